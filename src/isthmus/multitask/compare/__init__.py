"""Measures of a model, and simpler models to compare it with."""
