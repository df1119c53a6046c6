"""The tiered parameter server (S4): tables of sparse rows in shards, trained window by window."""
