"""Typed messages between parties, and the channels that carry them."""
