"""Scores of each text of one side with each of the other, a block of rows at a time."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

NEIGHBOURS = 10
"""Texts of the other side that a text's neighbourhood consists of."""

_CELLS = 2**22  # scores of a block
_KEPT = 2**24  # scores that are kept, all others are computed again


class Scores(Protocol):
    """Scores of each text of the left side with each of the right side."""

    @property
    def shape(self) -> tuple[int, int]:
        """Texts of the left side, and of the right side."""
        ...

    def block(self, begin: int, end: int) -> Vectors:
        """Returns the scores of some texts of the left side, shape (end - begin, right)."""
        ...


class DenseScores:
    """Cosine of vectors of length 1."""

    def __init__(self, left: Vectors, right: Vectors) -> None:
        self.shape = (len(left), len(right))
        self._left, self._right = left, right

    def block(self, begin: int, end: int) -> Vectors:
        """Returns the scores of some texts of the left side."""
        scores: Vectors = self._left[begin:end] @ self._right.T
        return scores


class KeptScores:
    """Scores that are in memory."""

    def __init__(self, scores: Vectors) -> None:
        self.shape = (scores.shape[0], scores.shape[1])
        self._scores = scores

    def block(self, begin: int, end: int) -> Vectors:
        """Returns the scores of some texts of the left side."""
        return self._scores[begin:end]


class SumOfScores:
    """Several scores of the same texts, added."""

    def __init__(self, parts: Sequence[Scores], weights: Sequence[float]) -> None:
        self.shape = parts[0].shape
        self._parts = list(zip(parts, weights, strict=True))

    def block(self, begin: int, end: int) -> Vectors:
        """Returns the scores of some texts of the left side."""
        total = np.zeros((end - begin, self.shape[1]), np.float32)
        for part, weight in self._parts:
            total += np.float32(weight) * part.block(begin, end)
        return total


class CslsScores:
    """Cross-domain similarity local scaling: scores less those of both neighbourhoods.

    2 s(x, y) - r(x) - r(y), where r is the mean score of a text with the 10 texts of the other side
    that are closest to it. So a text that is close to all is nobody's translation.

    Source:
        Conneau, Lample, Ranzato, Denoyer, Jegou: Word Translation Without Parallel Data, ICLR 2018,
        section 2.3 (arXiv 1710.04087).
    """

    def __init__(self, scores: Scores, neighbours: int = NEIGHBOURS) -> None:
        self.shape = scores.shape
        self._scores = scores
        self._of_left, self._of_right = _neighbourhoods(scores, neighbours)

    def block(self, begin: int, end: int) -> Vectors:
        """Returns the scores of some texts of the left side."""
        doubled: Vectors = 2 * self._scores.block(begin, end)
        doubled -= self._of_left[begin:end, None]
        doubled -= self._of_right
        return doubled


def blocks(scores: Scores) -> Iterator[tuple[slice, Vectors]]:
    """Yields the rows of each block, and its scores."""
    left, right = scores.shape
    step = max(1, _CELLS // max(1, right))
    for begin in range(0, left, step):
        rows = slice(begin, min(begin + step, left))
        yield rows, scores.block(rows.start, rows.stop)


def kept(scores: Scores) -> Scores:
    """Returns the same scores, in memory if there are few enough."""
    if scores.shape[0] * scores.shape[1] > _KEPT:
        return scores
    return KeptScores(scores.block(0, scores.shape[0]))


def unit(vectors: Vectors) -> Vectors:
    """Returns vectors of length 1; those of length 0 stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return scaled


def centred(vectors: Vectors) -> Vectors:
    """Returns vectors without what all texts of a language have in common, of length 1."""
    return unit(vectors - vectors.mean(axis=0, keepdims=True)) if len(vectors) else vectors


def dense_scores(left: Vectors, right: Vectors) -> Scores:
    """Returns the scores of vectors less their mean in each language, neighbourhoods taken off."""
    return CslsScores(kept(DenseScores(centred(left), centred(right))))


def _neighbourhoods(scores: Scores, neighbours: int) -> tuple[Vectors, Vectors]:
    left, right = scores.shape
    of_left = np.zeros(left, np.float32)
    closest = np.zeros((0, right), np.float32)
    for rows, block in blocks(scores):
        of_left[rows] = _highest(block.T, neighbours).mean(axis=0)
        closest = _highest(np.concatenate([closest, block]), neighbours)
    of_right = closest.mean(axis=0) if left else np.zeros(right, np.float32)
    return of_left, of_right


def _highest(scores: Vectors, most: int) -> Vectors:
    """Returns the highest scores of each column, in any order."""
    if len(scores) <= most:
        return scores
    return np.partition(scores, len(scores) - most, axis=0)[-most:]
