"""Alignment without an enclave: two protocols that find the identifiers that parties share."""
