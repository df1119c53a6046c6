"""Vertical federated learning: each party has some columns of the same rows."""
