"""Growing trees from integer sums: only mathematics, no network, no encryption, no files."""
