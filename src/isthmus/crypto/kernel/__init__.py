"""Okamoto-Uchiyama by our own C code: eight residues at a time, with AVX-512 IFMA."""
