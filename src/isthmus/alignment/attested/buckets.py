"""Buckets of digests, all padded to one size: partitioning, matching and shuffling.

A digest is a keyed hash of an identifier: 16 bytes that look random to everyone without the key, as
two words, the higher one first. A bucket holds the digests of one range of first words. All ranges
have the same width, so buckets have about the same number of digests; each is padded to one size.
So whoever counts buckets learns only the rounded number of rows, which all parties know.
"""

import secrets

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Integers

Words = NDArray[np.uint64]
Slots = NDArray[np.uint32]

DIGEST_BYTES = 16

CAPACITY = 4_095
"""Digests in a padded bucket: as many as fit one sealed frame."""

_MEAN = 3_614
"""Digests in a bucket on average. `CAPACITY` is eight standard deviations above: with ten million
rows, a bucket overflows once in 10^11 alignments."""

SLOTS = 16_380
"""Slots that fit one sealed frame."""

NOT_SHARED = np.iinfo(np.uint32).max
"""The slot of a digest that the other party does not have."""

MOST_ROWS = 2**31
"""Most rows of one party: their slots fit 32 bits."""

_WIRE = np.dtype("<u8")


def padded(rows: int, step: int) -> int:
    """Returns a number of rows rounded up to a multiple of `step`, at least one step."""
    return max(1, -(-rows // step)) * step


def bucket_count(padded_rows: int) -> int:
    """Returns the number of buckets for a number of rows."""
    return 1 if padded_rows <= CAPACITY else -(-padded_rows // _MEAN)


def frame_count(padded_rows: int) -> int:
    """Returns the number of frames that hold one slot for each of a number of rows."""
    return -(-padded_rows // SLOTS)


def sort(digests: Words) -> tuple[Words, Integers]:
    """Sort digests.

    Args:
        digests: Shape (rows, 2), in the order of the rows.

    Returns:
        The sorted digests, and the row of each of them.
    """
    rows = np.argsort(np.ascontiguousarray(digests[:, 0]))
    ordered = np.take(digests, rows, axis=0)
    if (ordered[1:, 0] == ordered[:-1, 0]).any():  # ties: sort by the second word too
        rows = np.lexsort((digests[:, 1], digests[:, 0]))
        ordered = np.take(digests, rows, axis=0)
    return ordered, rows


def starts(digests: Words, buckets: int) -> Integers:
    """Returns the position where each bucket starts among sorted digests.

    Args:
        digests: Shape (rows, 2), sorted.
        buckets: Number of buckets.

    Returns:
        Shape (buckets + 1,): bucket i is `digests[starts[i] : starts[i + 1]]`.
    """
    lowest = np.array([-(-(i << 64) // buckets) for i in range(buckets)], np.uint64)
    inner = np.searchsorted(digests[:, 0], lowest)
    return np.append(inner, len(digests)).astype(np.int64)


def fill(digests: Words) -> bytes:
    """Returns the bytes of a bucket: its digests, padded with random digests.

    Args:
        digests: Shape (rows, 2).

    Returns:
        The bytes of `CAPACITY` digests.

    Raises:
        OverflowError: There are more than `CAPACITY` digests.
    """
    if len(digests) > CAPACITY:
        raise OverflowError
    missing = CAPACITY - len(digests)
    return digests.astype(_WIRE).tobytes() + secrets.token_bytes(missing * DIGEST_BYTES)


def read(bucket: bytes) -> Words:
    """Returns the digests of a padded bucket, shape (`CAPACITY`, 2)."""
    return np.frombuffer(bucket, _WIRE).reshape(CAPACITY, 2).astype(np.uint64, copy=False)


def repeats(digests: Words) -> bool:
    """Returns whether a digest occurs twice among sorted digests."""
    (tied,) = np.nonzero(digests[1:, 0] == digests[:-1, 0])
    return bool((digests[tied, 1] == digests[tied + 1, 1]).any())


def match(ours: Words, theirs: Words) -> Integers:
    """Find our digests of one bucket among those of another party.

    Args:
        ours: Our digests of the bucket, shape (rows, 2), sorted and all different.
        theirs: The padded bucket of the other party, shape (`CAPACITY`, 2), all different.

    Returns:
        Position of each of our digests among theirs, or -1; shape (rows,).
    """
    found = np.full(len(ours), -1, np.int64)
    if not len(ours):
        return found
    place = np.searchsorted(ours[:, 0], theirs[:, 0])
    for step in range(_longest_tie(ours)):  # one step, unless some of our first words are equal
        candidate = np.minimum(place + step, len(ours) - 1)
        (likely,) = np.nonzero(ours[candidate, 0] == theirs[:, 0])
        equal = likely[ours[candidate[likely], 1] == theirs[likely, 1]]
        found[candidate[equal]] = equal
    return found


def slots(bucket: int, found: Integers) -> Slots:
    """Returns the slots, numbered over all buckets, of the positions that `match` found in one."""
    return np.where(found < 0, NOT_SHARED, bucket * CAPACITY + found).astype(np.uint32)


def positions(chosen: Slots, beginnings: Integers) -> Integers:
    """Convert slots that another enclave names to positions among our sorted digests.

    Args:
        chosen: Slots, shape (shared,).
        beginnings: Result of `starts` for our buckets.

    Returns:
        Positions among our sorted digests, shape (shared,).

    Raises:
        ValueError: A slot holds none of our digests, or is named twice.
    """
    buckets, places = np.divmod(chosen, CAPACITY)
    if chosen.size and buckets.max() >= beginnings.size - 1:
        raise ValueError("a slot is in no bucket")
    found = beginnings[buckets] + places
    if (found >= beginnings[buckets + 1]).any():
        raise ValueError("a slot holds none of our digests")
    named = np.zeros(beginnings[-1], np.bool_)
    named[found] = True
    if np.count_nonzero(named) < found.size:
        raise ValueError("a slot is named twice")
    return found


def shuffled(stream: bytes) -> Integers:
    """Returns the permutation that a key stream of eight bytes per item defines."""
    return np.argsort(np.frombuffer(stream, _WIRE))


def _longest_tie(ours: Words) -> int:
    words = ours[:, 0]
    longest, ties = 1, words[1:] == words[:-1]
    while ties.any():
        longest, ties = longest + 1, ties[1:] & ties[:-1]
    return longest
