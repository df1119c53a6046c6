"""Trusted execution environments: evidence and its verification, sealed sessions, enclaves."""
