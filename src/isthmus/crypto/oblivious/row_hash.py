"""The hash that makes a secret value of a folded row, and how many of its bytes are compared.

Source: Guo, Katz, Wang and Yu 2020, "Efficient and secure multiparty computation from fixed-key
block ciphers", section 7.3: a circular correlation-robust hash, pi(s(x)) + s(x) for a permutation
pi and an orthomorphism s.
"""

import hashlib
import math

import numpy as np

from isthmus.crypto.oblivious.bits import Bytes, Words, as_bytes
from isthmus.crypto.oblivious.fixed_key import fixed_key_hash

_SECURITY_BITS = 40  # two different rows meet with 2^-40 at most, all pairs together
_LEAST_BYTES = 9


def row_hash(rows: Words, seed: bytes) -> Bytes:
    """Hash rows.

    Args:
        rows: Shape (rows, 2).
        seed: 32 bytes of this attempt alone, which both parties have.

    Returns:
        Their hashes, shape (rows, 16).
    """
    mixed = np.empty_like(rows)
    mixed[:, 0] = rows[:, 0] ^ rows[:, 1]
    mixed[:, 1] = rows[:, 0]
    key = hashlib.sha256(b"isthmus row hash" + seed).digest()[:16]
    return fixed_key_hash(as_bytes(mixed), key)


def compared_bytes(ours: int, theirs: int) -> int:
    """Find how many bytes of hashes to compare, so that no two different rows have the same.

    Args:
        ours: Rows of one party.
        theirs: Rows of the other one.

    Returns:
        Their number, the same for both parties.
    """
    bits = _SECURITY_BITS + math.log2(max(ours, 1)) + math.log2(max(theirs, 1))
    return max(_LEAST_BYTES, math.ceil(bits / 8))
