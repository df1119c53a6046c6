"""The two tiers in one process: the loop, the built-in server, and what is read ahead."""
