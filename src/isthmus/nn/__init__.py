"""Networks by type: modules and how they are written down, no training."""
