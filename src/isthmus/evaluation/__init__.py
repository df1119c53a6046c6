"""Metrics of models, and the report pages about runs."""
