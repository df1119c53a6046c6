"""Alignment without an enclave: Diffie-Hellman intersection of two parties' identifiers."""
