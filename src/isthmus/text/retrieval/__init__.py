"""Texts compared by their words and characters, with the help of a dictionary."""
