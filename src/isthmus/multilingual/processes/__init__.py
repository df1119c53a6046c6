"""Several processes that train one encoder: which they are, how they meet, what they exchange."""
