"""Measures of retrieval: is the translation of a text found among others?"""

from typing import NamedTuple

import numpy as np

from isthmus.core.arrays import Bools
from isthmus.evaluation.description import Retrieved
from isthmus.evaluation.retrieval.scores import Scores, blocks


class BothWays(NamedTuple):
    """How texts find their translations, and how these find the texts."""

    forth: Retrieved
    back: Retrieved

    @property
    def mean(self) -> Retrieved:
        """The mean of both ways."""
        return Retrieved(
            top1=(self.forth.top1 + self.back.top1) / 2, mrr=(self.forth.mrr + self.back.mrr) / 2
        )


def measured(scores: Scores) -> BothWays:
    """Measure how the text of each row finds that of the column with the same number.

    Args:
        scores: Shape (texts, translations), as many of both, at least one. Texts that score alike
            share a rank: if all do, the first of n is right once in n times.

    Returns:
        The measures of both ways.
    """
    parts = [np.diagonal(block, rows.start).copy() for rows, block in blocks(scores)]
    true = np.concatenate(parts)
    forth, back = _Ranks(len(true)), _Ranks(len(true))
    for rows, block in blocks(scores):
        ours = true[rows, None]
        forth.add(rows, block > ours, block == ours, axis=1)
        back.add(slice(None), block > true, block == true, axis=0)
    return BothWays(forth.found(), back.found())


class _Ranks:
    """How many texts score higher than the translation, and how many as high."""

    def __init__(self, texts: int) -> None:
        self._higher = np.zeros(texts)
        self._alike = np.zeros(texts)  # the translation itself too

    def add(self, texts: slice, higher: Bools, alike: Bools, axis: int) -> None:
        """Count along an axis of a block."""
        self._higher[texts] += higher.sum(axis=axis)
        self._alike[texts] += alike.sum(axis=axis)

    def found(self) -> Retrieved:
        """Returns the measures, in percent."""
        first = np.where(self._higher == 0, 1 / self._alike, 0.0)
        rank = 1 + self._higher + (self._alike - 1) / 2
        return Retrieved(top1=100 * float(first.mean()), mrr=100 * float((1 / rank).mean()))
