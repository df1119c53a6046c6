"""Alignment of two to five parties whose identifiers meet inside enclaves only."""
