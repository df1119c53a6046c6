"""Finding the translation of a text among others: scores, measures, pairs."""
