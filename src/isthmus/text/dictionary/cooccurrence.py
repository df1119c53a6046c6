"""Which words of a language occur beside which words of another, text by text."""
# scipy's stubs leave the type of an index open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from isthmus.text.dictionary.numbered import Numbered

Indices = NDArray[np.int32]
Weights = NDArray[np.float32]

Counts = Any
"""A `csr_array` of float32: how often each word stands in each text, shape (texts, words)."""

_TABLE = 2_000_000  # places of the table of word pairs: as many as stay in a processor's cache


@dataclass(frozen=True)
class Side:
    """The distinct words of all texts in one language, one after another."""

    words: int
    """Of the vocabulary."""

    times: Weights
    """How often the word stands in its text."""

    cells: Indices
    """For each cell, the number of the word among those of all texts."""

    of_pair: Indices
    """For each pair of words, that of this language, in the vocabulary."""


@dataclass(frozen=True)
class Cooccurrence:
    """A cell for each word of a text beside each word of its translation.

    A pair of words has many cells: one for each text where both occur.
    """

    left: Side
    right: Side
    pair_of: Indices
    """For each cell, the pair of words."""


def counted(texts: Numbered) -> Counts:
    """Returns how often each word of the vocabulary stands in each text."""
    ones = np.ones(len(texts.words), np.float32)
    shape = (len(texts.starts) - 1, len(texts.vocabulary))
    counts = csr_array((ones, texts.words, texts.starts), shape=shape)
    counts.sum_duplicates()
    return counts


def cooccurrence(left: Counts, right: Counts) -> Cooccurrence:
    """Find the cells of texts and their translations.

    Args:
        left: Counts of the texts.
        right: Counts of their translations, in the same order.

    Returns:
        The cells.
    """
    by_word = left.tocsc()
    step = max(1, _TABLE // max(1, right.shape[1]))
    blocks = [
        _cells(by_word, right, first, min(first + step, left.shape[1]))
        for first in range(0, left.shape[1], step)
    ]
    sizes = [len(block.left_of_pair) for block in blocks]
    begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    pair_of = [block.pair_of + begin for block, begin in zip(blocks, begins, strict=False)]
    return Cooccurrence(
        _side(by_word, [block.left for block in blocks], [b.left_of_pair for b in blocks]),
        _side(right, [block.right for block in blocks], [b.right_of_pair for b in blocks]),
        _joined(pair_of),
    )


@dataclass(frozen=True)
class _Cells:
    """Cells of some words of the left language."""

    left: Indices
    right: Indices
    pair_of: Indices
    left_of_pair: Indices
    right_of_pair: Indices


def _cells(by_word: Any, right: Counts, first: int, last: int) -> _Cells:
    begin, end = by_word.indptr[first], by_word.indptr[last]
    texts = by_word.indices[begin:end]
    lengths = np.diff(right.indptr)[texts]
    starts = right.indptr[texts] - (np.cumsum(lengths) - lengths)
    place = (np.repeat(starts, lengths) + np.arange(lengths.sum())).astype(np.int32)
    word = np.repeat(np.arange(last - first), np.diff(by_word.indptr[first : last + 1]))
    key = np.repeat((word * right.shape[1]).astype(np.int32), lengths) + right.indices[place]
    number = np.zeros((last - first) * right.shape[1], np.int32)
    number[key] = 1
    found = np.flatnonzero(number)
    number[found] = np.arange(len(found))
    return _Cells(
        left=np.repeat(np.arange(begin, end, dtype=np.int32), lengths),
        right=place,
        pair_of=number[key],
        left_of_pair=(found // right.shape[1] + first).astype(np.int32),
        right_of_pair=(found % right.shape[1]).astype(np.int32),
    )


def _side(counts: Any, cells: Sequence[Indices], of_pair: Sequence[Indices]) -> Side:
    return Side(counts.shape[1], counts.data, _joined(cells), _joined(of_pair))


def _joined(parts: Sequence[Indices]) -> Indices:
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)
