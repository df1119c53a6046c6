"""Scoring rows with a joint model that is stored: each party uses its own part."""
