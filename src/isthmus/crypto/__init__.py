"""Cryptography by maintained libraries, behind small interfaces. Nothing here uses the network."""
