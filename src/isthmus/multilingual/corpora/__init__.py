"""Corpora: read, cleaned, split by document, and kept for training in bounded memory."""
