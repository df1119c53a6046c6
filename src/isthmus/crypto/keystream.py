"""Randomness that several parties make together, and as much of it as is needed."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
"""Bytes of a seed, and of a key that seeds are mixed into."""

_ONCE = bytes(16)  # counter and nonce: a key that is used for one stream needs no other


def mixed(seeds: Sequence[bytes], purpose: str) -> bytes:
    """Mix seeds into a key, which is random as soon as one of them is.

    Args:
        seeds: One of each party, `KEY_BYTES` bytes each, in an order that all know.
        purpose: What the key is for: keys for other purposes tell nothing about it.

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
    """The first bytes of ChaCha20 under a key (RFC 8439) that is used for nothing else.

    Args:
        key: `KEY_BYTES` bytes.
        size: How many bytes to make.

    Returns:
        So many bytes, which look random to whoever does not know the key.
    """
    return Cipher(ChaCha20(key, _ONCE), mode=None).encryptor().update(bytes(size))
