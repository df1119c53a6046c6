"""Texts as counts of their words, or of short runs of their characters."""
# scipy's stubs leave the type of an index open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Keys = NDArray[np.uint64]

Sparse = Any
"""A `csr_array` of float32."""

SHORTEST, LONGEST = 2, 4
"""Characters of a run."""

BLOCK = 4096
"""Texts that are counted at a time."""

_SPACE = ord(" ")
_BITS = np.uint64(21)  # of a character
_MIXED = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Bags:
    """How often each word or run stands in each text."""

    keys: Keys
    """Numbers that stand for words or runs, in ascending order."""

    counts: Sparse
    """Shape (texts, keys)."""

    def __len__(self) -> int:
        return int(self.counts.shape[0])


def bags_of_words(texts: Sequence[Sequence[str]], numbers: dict[str, int]) -> Bags:
    """Count words.

    Args:
        texts: Words of each text.
        numbers: Numbers of words; new words are added. Bags with the same numbers can be compared.

    Returns:
        The counts.
    """
    flat = [numbers.setdefault(word, len(numbers)) for text in texts for word in text]
    return _bags(np.array(flat, np.uint64), np.array([len(text) for text in texts], np.int64))


def bags_of_runs(texts: Sequence[str]) -> Bags:
    """Count the runs of 2 to 4 characters within words, with a space before and after each word.

    They are those of scikit-learn's analyzer `char_wb`, after `lower`.
    """
    blocks = [_runs(texts[first : first + BLOCK]) for first in range(0, len(texts), BLOCK)]
    if len(blocks) == 1:
        return blocks[0]
    return _stacked(blocks)


def _runs(texts: Sequence[str]) -> Bags:
    # Two spaces between words: a run with both of them is of no word.
    padded = [f" {'  '.join(words)} " if (words := text.lower().split()) else "" for text in texts]
    signs = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32)
    text_of = np.repeat(np.arange(len(texts)), [len(text) for text in padded])
    parts = list(_runs_by_length(signs.astype(np.uint64)))
    keys = np.concatenate([keys for keys, _ in parts])
    rows = np.concatenate([text_of[places] for _, places in parts])
    order = np.argsort(rows, kind="stable")
    return _bags(keys[order], np.bincount(rows, minlength=len(texts)))


def _runs_by_length(signs: Keys) -> Iterator[tuple[Keys, NDArray[np.int64]]]:
    """Yields keys and places of runs of each length. Those of 2 and 3 characters are exact."""
    between = (signs[:-1] == _SPACE) & (signs[1:] == _SPACE)
    keys, broken = signs, np.zeros(len(signs), np.bool_)
    for length in range(SHORTEST, LONGEST + 1):
        last = signs[length - 1 :]
        before = keys[: len(last)]
        keys = (before << _BITS) | last if length <= 3 else before * _MIXED + last  # noqa: PLR2004
        broken = broken[: len(last)] | between[length - 2 :]
        places = np.flatnonzero(~broken)
        yield keys[places], places


def _bags(flat: Keys, lengths: NDArray[np.int64]) -> Bags:
    keys, columns = np.unique(flat, return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    ones = np.ones(len(flat), np.float32)
    shape = (len(lengths), len(keys))
    counts = sparse.csr_array((ones, columns.astype(np.int32), starts), shape=shape)
    counts.sum_duplicates()
    return Bags(keys, counts)


def _stacked(blocks: Sequence[Bags]) -> Bags:
    keys = np.unique(np.concatenate([block.keys for block in blocks])) if blocks else _NO_KEYS
    if not blocks:
        return Bags(keys, sparse.csr_array((0, 0), dtype=np.float32))
    return Bags(keys, sparse.vstack([widened(block, keys) for block in blocks], format="csr"))


_NO_KEYS = np.zeros(0, np.uint64)


def widened(bags: Bags, keys: Keys) -> Sparse:
    """Returns the counts with a column for each of `keys`, all those of the bags among them."""
    columns = np.searchsorted(keys, bags.keys).astype(np.int32)[bags.counts.indices]
    parts = (bags.counts.data, columns, bags.counts.indptr)
    return sparse.csr_array(parts, shape=(len(bags), len(keys)))
