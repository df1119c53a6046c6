"""Growing trees from sums of integers: mathematics, without lines, ciphertexts and tables."""
