"""A hash of blocks of 16 bytes from AES-128 under a fixed, public key: processors have AES.

Source: Guo, Katz, Wang and Yu 2020, "Efficient and secure multiparty computation from fixed-key
block ciphers", section 7.
"""

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from isthmus.crypto.oblivious.bits import Bytes


def fixed_key_hash(blocks: Bytes, key: bytes) -> Bytes:
    """Hash blocks, each by itself: AES(x) + x.

    Args:
        blocks: The blocks, shape (..., 16), contiguous.
        key: 16 bytes that both parties know.

    Returns:
        The hashes, of the same shape.
    """
    encrypted = Cipher(AES(key), ECB()).encryptor().update(blocks.tobytes())  # noqa: S305 - a permutation
    return np.frombuffer(encrypted, np.uint8).reshape(blocks.shape) ^ blocks
