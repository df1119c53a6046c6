"""Alignment (private set intersection) of the rows that parties share: one folder per protocol."""
