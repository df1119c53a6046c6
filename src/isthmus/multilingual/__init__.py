"""Encoders that bring a sentence and its translation together (S2, S8)."""
