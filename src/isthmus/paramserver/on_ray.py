"""The door to Ray: shards and workers as actors."""
