"""Masks that parties share two by two, modulo 2^64: they cancel in the sum over all of them.

Each pair of parties agrees on a key (`agreement.KeyPair`). Of two, the one whose name comes first
adds the stream of their key and the other subtracts it. To who lacks the keys, what a party sends
is uniform, but for the sum over all parties, as long as two of them keep their keys to themselves.

Numbers are fixed-point: whole multiples of 2^-36, less than 2^24 from zero. A sum of up to 8 is
then below 2^63 units, and never wraps around; a party's rounding is off by 2^-37 at most.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats
from isthmus.crypto.keystream import keystream

LongWords = NDArray[np.uint64]
"""Whole numbers modulo 2^64; those from 2^63 on stand for negative ones."""

MOST = 8
"""Most parties of a sum."""

LIMIT = 2.0**24
"""Magnitude that numbers stay below."""

_UNITS = 2.0**36  # to one


def to_words(values: Floats) -> LongWords:
    """Convert numbers to units.

    Args:
        values: Any shape, less than `LIMIT` from zero.

    Returns:
        The same shape, each rounded to the nearest.

    Raises:
        ValueError: A number is at the limit or beyond it, or none.
    """
    if not (np.abs(values) < LIMIT).all():
        raise ValueError(f"a value to sum is not within {LIMIT:,.0f} of zero")
    return np.rint(values * _UNITS).astype(np.int64).view(np.uint64)


def to_numbers(total: LongWords) -> Floats:
    """Returns the numbers that a sum of words, without masks, stands for."""
    return total.view(np.int64) / _UNITS


class PairwiseMasks:
    """The masks of one party in sums with others."""

    def __init__(self, ours: str, keys: Mapping[str, bytes]) -> None:
        """Keep the keys.

        Args:
            ours: Name of the party.
            keys: The key that it shares with each other party, by name; for this purpose alone.
        """
        self._ours = ours
        self._keys = dict(keys)

    def __call__(self, size: int, context: bytes) -> LongWords:
        """Returns what the party adds to its words.

        Args:
            size: Number of words.
            context: All that has to be the same at all parties, and is new for every sum: masks of
                different contexts do not cancel.

        Returns:
            Shape (size,).
        """
        total = np.zeros(size, np.uint64)
        for other, key in self._keys.items():
            stream = keystream(hashlib.blake2b(context, key=key, digest_size=32).digest(), 8 * size)
            mask = np.frombuffer(stream, "<u8").astype(np.uint64, copy=False)
            if self._ours < other:
                total += mask
            else:
                total -= mask
        return total
