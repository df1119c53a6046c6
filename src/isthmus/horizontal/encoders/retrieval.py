"""Retrieval at a child: is the translation of a text found among others?"""

from isthmus.evaluation.retrieval.measures import measured
from isthmus.evaluation.retrieval.scores import CslsScores, DenseScores, Vectors

RETRIEVAL = "retrieval"
"""Name of a measure: mean share, in percent, of texts that find their translation first."""


def top1(left: Vectors, right: Vectors) -> float:
    """Share of texts whose translation is the nearest by CSLS.

    Args:
        left: Vectors of length 1, shape (texts, size).
        right: Of their translations, in the same order.

    Returns:
        The mean of both ways, in percent.
    """
    return measured(CslsScores(DenseScores(left, right))).mean.top1
