"""Shards and workers as processes of their own, on Ray."""
