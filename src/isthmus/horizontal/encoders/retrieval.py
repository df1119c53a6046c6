"""Retrieval at a child: is the translation of a text found among others?"""

from isthmus.evaluation.retrieval.measures import measured
from isthmus.evaluation.retrieval.scores import Vectors, dense_scores

RETRIEVAL = "retrieval"
"""Name of a measure: mean share, in percent, of texts that find their translation first."""


def top1(left: Vectors, right: Vectors) -> float:
    """Share of texts whose translation is the nearest, by CSLS of vectors less their mean.

    Args:
        left: Vectors of length 1, shape (texts, size).
        right: Of their translations, in the same order.

    Returns:
        The mean of both ways, in percent.
    """
    return measured(dense_scores(left, right)).top1
