"""A key from seeds of several parties (HKDF), and its keystream (ChaCha20)."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
"""Bytes of a seed, and of the key that is derived from seeds."""

_COUNTER_AND_NONCE = bytes(16)  # constant, as a key makes one stream only


def mixed(seeds: Sequence[bytes], purpose: str) -> bytes:
    """Derive a key from seeds; it is random if at least one seed is random.

    Args:
        seeds: One of each party, `KEY_BYTES` bytes each, in an order that all know.
        purpose: What the key is for: keys for other purposes reveal nothing about it.

    Returns:
        `KEY_BYTES` bytes.

    Raises:
        ValueError: A seed has another length.
    """
    if any(len(seed) != KEY_BYTES for seed in seeds):
        raise ValueError(f"a seed has {KEY_BYTES} bytes")
    hkdf = HKDF(SHA256(), KEY_BYTES, salt=None, info=f"isthmus mixed seeds 1, {purpose}".encode())
    return hkdf.derive(b"".join(seeds))


def keystream(key: bytes, size: int) -> bytes:
    """Returns the first bytes of ChaCha20 (RFC 8439) under a key that is used for nothing else.

    Args:
        key: `KEY_BYTES` bytes.
        size: Number of bytes.

    Returns:
        `size` bytes, which look random to everyone who does not know the key.
    """
    return Cipher(ChaCha20(key, _COUNTER_AND_NONCE), mode=None).encryptor().update(bytes(size))
