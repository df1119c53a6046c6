"""Masks that parties share two by two, modulo 2^64 or 2^128: they cancel in the sum over all.

Each pair of parties agrees on a key (`agreement.KeyPair`). Of two, the one whose name comes first
adds the stream of their key and the other subtracts it. To who lacks the keys, what a party sends
is uniform, but for the sum over all parties, as long as two of them keep their keys to themselves.

Numbers are fixed-point: whole multiples of 2^-36, less than 2^24 from zero. A sum of up to 8 is
then below 2^63 units, and never wraps around; a party's rounding is off by 2^-37 at most. A few
numbers that may be very small or large take 128 bits: multiples of 2^-80, less than 2^44 from zero.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence

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

WIDE_BYTES = 16
"""Bytes of a number of 128 bits."""

_UNITS = 2.0**36  # to one

ROUNDING = 0.5 / _UNITS
"""How far a number may be from what its word stands for."""

_WIDE, _WIDE_BITS, _WIDE_LIMIT = 1 << 128, 80, 2.0**44


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


def to_wide(values: Floats) -> list[int]:
    """Convert a few numbers to units of 2^-80.

    Args:
        values: Shape (count,), less than 2^44 from zero.

    Returns:
        Whole numbers.

    Raises:
        ValueError: A number is at the limit or beyond it, or none.
    """
    if not (np.abs(values) < _WIDE_LIMIT).all():
        raise ValueError(f"a number to sum is not within {_WIDE_LIMIT:,.0f} of zero")
    # A float has 53 bits: times a power of two, it is exact.
    return [round(math.ldexp(value, _WIDE_BITS)) for value in values.tolist()]


def wide_sum(shares: Sequence[Sequence[bytes]], count: int) -> Floats:
    """Add up what all parties send of a few numbers.

    Args:
        shares: Of each party, `WIDE_BYTES` bytes for each number.
        count: How many numbers.

    Returns:
        The sums, shape (count,).

    Raises:
        ValueError: A party has sent another number of them, or of bytes.
    """
    if any(len(each) != count for each in shares):
        raise ValueError(f"other than {count} numbers")
    if any(len(number) != WIDE_BYTES for each in shares for number in each):
        raise ValueError(f"a number that has not {WIDE_BYTES} bytes")
    totals = [sum(map(int.from_bytes, column)) % _WIDE for column in zip(*shares, strict=True)]
    signed = [total - _WIDE if total >= _WIDE // 2 else total for total in totals]
    return np.array([math.ldexp(float(total), -_WIDE_BITS) for total in signed])


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
        for adds, stream in self._streams(8 * size, context):
            mask = np.frombuffer(stream, "<u8").astype(np.uint64, copy=False)
            if adds:
                total += mask
            else:
                total -= mask
        return total

    def wide(self, numbers: Sequence[int], context: bytes) -> list[bytes]:
        """Mask a few numbers of 128 bits.

        Args:
            numbers: As `to_wide` returns them.
            context: As above.

        Returns:
            What to send, `WIDE_BYTES` bytes for each.
        """
        totals = list(numbers)
        for adds, stream in self._streams(WIDE_BYTES * len(totals), context):
            for at in range(len(totals)):
                mask = int.from_bytes(stream[at * WIDE_BYTES : (at + 1) * WIDE_BYTES])
                totals[at] += mask if adds else -mask
        return [(total % _WIDE).to_bytes(WIDE_BYTES) for total in totals]

    def _streams(self, size: int, context: bytes) -> Iterator[tuple[bool, bytes]]:
        for other, key in self._keys.items():
            derived = hashlib.blake2b(context, key=key, digest_size=32).digest()
            yield self._ours < other, keystream(derived, size)
