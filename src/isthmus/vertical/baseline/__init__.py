"""A model on one organisation's own columns, to compare joint models with."""
