"""Shards of the external server: what they hold, how they merge, and their snapshots."""
