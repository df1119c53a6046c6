"""Encryption on lattices (BFV by Microsoft SEAL), and sums under it that nobody else reads."""
