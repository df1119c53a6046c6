"""How digests are cut into buckets of one size, met bucket by bucket, and put into a new order.

A digest stands for an identifier: 16 bytes that are random to whoever lacks the hashing key, as two
words, the higher one first. A bucket holds the digests of one range of first words. All ranges are
equally wide, so buckets fill evenly, and each goes out filled up to one size: who counts them
learns the number of rows that was told anyway.
"""

import secrets

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Integers

Words = NDArray[np.uint64]
Slots = NDArray[np.uint32]

DIGEST_BYTES = 16

CAPACITY = 4_095
"""Digests in a filled bucket: what fits one sealed frame."""

_MEAN = 3_614
"""Digests in a bucket on average. `CAPACITY` is eight standard deviations above: that a bucket of
ten million rows overflows happens once in 10^11 alignments."""

SLOTS = 16_380
"""Slots that fit one sealed frame."""

NOWHERE = np.iinfo(np.uint32).max
"""The slot of a digest that the other party does not have."""

MOST_ROWS = 2**31
"""Rows of one party: their slots fit 32 bits."""

_WIRE = np.dtype("<u8")


def padded(rows: int, step: int) -> int:
    """A number of rows as it is told to others: rounded up, and never nought."""
    return max(1, -(-rows // step)) * step


def bucket_count(padded_rows: int) -> int:
    """How many buckets so many rows are spread over."""
    return 1 if padded_rows <= CAPACITY else -(-padded_rows // _MEAN)


def frame_count(padded_rows: int) -> int:
    """How many frames tell so many rows their slots, one each."""
    return -(-padded_rows // SLOTS)


def sort(digests: Words) -> tuple[Words, Integers]:
    """Put digests in order.

    Args:
        digests: Shape (rows, 2), in the order of the rows.

    Returns:
        The sorted digests, and the row that each of them was.
    """
    rows = np.argsort(np.ascontiguousarray(digests[:, 0]))
    ordered = np.take(digests, rows, axis=0)
    if (ordered[1:, 0] == ordered[:-1, 0]).any():  # the second word has to decide
        rows = np.lexsort((digests[:, 1], digests[:, 0]))
        ordered = np.take(digests, rows, axis=0)
    return ordered, rows


def starts(digests: Words, buckets: int) -> Integers:
    """Where each bucket begins among sorted digests.

    Args:
        digests: Shape (rows, 2), sorted.
        buckets: How many there are.

    Returns:
        Shape (buckets + 1,): bucket i is `digests[starts[i] : starts[i + 1]]`.
    """
    lowest = np.array([-(-(i << 64) // buckets) for i in range(buckets)], np.uint64)
    inner = np.searchsorted(digests[:, 0], lowest)
    return np.append(inner, len(digests)).astype(np.int64)


def fill(digests: Words) -> bytes:
    """The bytes of a bucket: its digests, and random ones in the place of those it lacks.

    Args:
        digests: Shape (rows, 2).

    Returns:
        `CAPACITY` digests.

    Raises:
        OverflowError: There are more than that.
    """
    if len(digests) > CAPACITY:
        raise OverflowError
    missing = CAPACITY - len(digests)
    return digests.astype(_WIRE).tobytes() + secrets.token_bytes(missing * DIGEST_BYTES)


def read(bucket: bytes) -> Words:
    """The digests of a filled bucket, shape (`CAPACITY`, 2)."""
    return np.frombuffer(bucket, _WIRE).reshape(CAPACITY, 2).astype(np.uint64, copy=False)


def repeats(digests: Words) -> bool:
    """Whether a digest occurs twice among sorted ones."""
    (tied,) = np.nonzero(digests[1:, 0] == digests[:-1, 0])
    return bool((digests[tied, 1] == digests[tied + 1, 1]).any())


def meet(ours: Words, theirs: Words) -> Integers:
    """Which of our digests another party has too.

    Args:
        ours: Those of one bucket, shape (rows, 2), sorted and all different.
        theirs: The same bucket of theirs, filled, shape (`CAPACITY`, 2), all different.

    Returns:
        Where each of ours is among theirs, or -1; shape (rows,).
    """
    found = np.full(len(ours), -1, np.int64)
    if not len(ours):
        return found
    place = np.searchsorted(ours[:, 0], theirs[:, 0])
    for step in range(_longest_tie(ours)):  # one step, unless first words of ours are equal
        candidate = np.minimum(place + step, len(ours) - 1)
        (likely,) = np.nonzero(ours[candidate, 0] == theirs[:, 0])
        equal = likely[ours[candidate[likely], 1] == theirs[likely, 1]]
        found[candidate[equal]] = equal
    return found


def slots(bucket: int, found: Integers) -> Slots:
    """Numbers, over all buckets, of the places that `meet` found in one of them."""
    return np.where(found < 0, NOWHERE, bucket * CAPACITY + found).astype(np.uint32)


def positions(chosen: Slots, beginnings: Integers) -> Integers:
    """Which of our sorted digests are in the slots that another enclave names.

    Args:
        chosen: Slots, shape (shared,).
        beginnings: Where our buckets begin, as `starts` found it.

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
    """The permutation that a key stream of eight bytes per item makes."""
    return np.argsort(np.frombuffer(stream, _WIRE))


def _longest_tie(ours: Words) -> int:
    words = ours[:, 0]
    longest, ties = 1, words[1:] == words[:-1]
    while ties.any():
        longest, ties = longest + 1, ties[1:] & ties[:-1]
    return longest
