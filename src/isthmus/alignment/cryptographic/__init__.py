"""Alignment without an enclave: Diffie-Hellman intersection of two parties' identifiers."""

from isthmus.alignment.cryptographic.receiver import receiver
from isthmus.alignment.cryptographic.sender import sender
from isthmus.alignment.cryptographic.spec import CryptographicAlignment

__all__ = ["CryptographicAlignment", "receiver", "sender"]
