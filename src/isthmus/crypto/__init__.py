"""Cryptography from kept libraries, behind small protocols. Nothing here knows a network."""
