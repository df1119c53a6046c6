"""Dictionaries: mined from texts and their translations, or given."""
