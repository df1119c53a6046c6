"""Alignment of two to five parties in enclaves: identifiers are compared only inside them."""
