"""Counts of words in cells, so that what is common can be found without naming words.

A word has one cell in each of some rows, by a salted hash. Others may share a cell with it, so the
smallest of its cells is at least its count: a count-min sketch.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from isthmus.horizontal.privacy.secure_sum.masking import Words

ROWS, WIDTH = 3, 2**20
SIZE = ROWS * WIDTH
"""Cells of all rows."""

Places = NDArray[np.int64]
"""Cells of some words, shape (words, rows)."""


def document_counts(documents: Iterable[list[str]], most: int) -> Counter[str]:
    """Count in how many documents each word occurs.

    Args:
        documents: The words of each.
        most: Words of one document that count, the first ones.

    Returns:
        Counts by word.
    """
    found: Counter[str] = Counter()
    for words in documents:
        found.update(list(dict.fromkeys(words))[:most])
    return found


def places(words: Iterable[str], seed: int) -> Places:
    """The cells of words.

    Args:
        words: The words.
        seed: The job's: the salt, which all parties know.

    Returns:
        Shape (words, rows).
    """
    salt = hashlib.sha256(f"cells of words {seed}".encode()).digest()
    digests = b"".join(
        hashlib.blake2b(word.encode(), digest_size=4 * ROWS, key=salt).digest() for word in words
    )
    found = np.frombuffer(digests, "<u4").reshape(-1, ROWS).astype(np.int64) % WIDTH
    return found + WIDTH * np.arange(ROWS)


def counted(counts: Mapping[str, int], seed: int) -> Words:
    """Put counts into cells.

    Args:
        counts: By word.
        seed: The job's.

    Returns:
        Shape (cells,).
    """
    numbers = np.repeat(np.fromiter(counts.values(), np.int64, len(counts)), ROWS)
    found = np.bincount(places(counts, seed).ravel(), numbers, SIZE)
    return found.astype(np.uint32)


def common(total: Words, least: int) -> NDArray[np.uint8]:
    """Which cells of a sum are large enough, a bit for each, shape (cells / 8,)."""
    return np.packbits(total.view(np.int32) >= least)  # with noise a sum may be below zero


def named(
    counts: Mapping[str, int], cells: NDArray[np.uint8], least: int, seed: int
) -> dict[str, int]:
    """The words whose cells are all large enough.

    Args:
        counts: Our own, by word.
        cells: What `common` returned.
        least: Documents of our own that a word must be in.
        seed: The job's.

    Returns:
        Our counts of these words, sorted by word.
    """
    own = sorted(word for word, count in counts.items() if count >= least and len(word) <= LONGEST)
    large = np.unpackbits(cells)[places(own, seed)].min(axis=1, initial=1)
    return {own[place]: counts[own[place]] for place in np.flatnonzero(large)}


LONGEST = 64
"""Most characters of a word that is named."""
