"""Typed messages between parties, and the lines that carry them."""
