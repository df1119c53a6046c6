"""Measures of retrieval: is the translation of a text found among others?"""

import numpy as np

from isthmus.core.arrays import Bools
from isthmus.evaluation.description import Found, Retrieved
from isthmus.evaluation.retrieval.scores import Scores, blocks


def measured(scores: Scores) -> Retrieved:
    """Measure how the text of each row finds that of the column with the same number.

    Args:
        scores: Shape (texts, translations), as many of both, at least one. Texts that score alike
            share a rank: if all do, the first of n is right once in n times.

    Returns:
        The measures of both ways, and their means.
    """
    parts = [np.diagonal(block, rows.start).copy() for rows, block in blocks(scores)]
    true = np.concatenate(parts)
    forth, back = _Ranks(len(true)), _Ranks(len(true))
    for rows, block in blocks(scores):
        ours = true[rows, None]
        forth.add(rows, block > ours, block == ours, axis=1)
        back.add(slice(None), block > true, block == true, axis=0)
    ways = forth.found(), back.found()
    return Retrieved(
        top1=sum(way.top1 for way in ways) / len(ways),
        mrr=sum(way.mrr for way in ways) / len(ways),
        forth=ways[0],
        back=ways[1],
    )


class _Ranks:
    """How many texts score higher than the translation, and how many as high."""

    def __init__(self, texts: int) -> None:
        self._higher = np.zeros(texts)
        self._alike = np.zeros(texts)  # the translation itself too

    def add(self, texts: slice, higher: Bools, alike: Bools, axis: int) -> None:
        """Count along an axis of a block."""
        self._higher[texts] += higher.sum(axis=axis)
        self._alike[texts] += alike.sum(axis=axis)

    def found(self) -> Found:
        """Returns the measures, in percent."""
        first = np.where(self._higher == 0, 1 / self._alike, 0.0)
        rank = 1 + self._higher + (self._alike - 1) / 2
        return Found(top1=100 * float(first.mean()), mrr=100 * float((1 / rank).mean()))
