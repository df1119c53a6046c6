"""Retrieval at a child: is the translation of a text found among others?"""

import numpy as np
from numpy.typing import NDArray

RETRIEVAL = "retrieval"
"""Name of a measure: mean share, in percent, of texts that find their translation first."""

_NEIGHBOURS = 10


def top1(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Share of texts whose translation is the nearest by CSLS.

    Args:
        left: Vectors of length 1, shape (texts, size).
        right: Of their translations, in the same order.

    Returns:
        The mean of both ways, in percent.

    Source:
        CSLS: Conneau et al. 2018 (ICLR), equation 3.
    """
    scores = left @ right.T
    most = min(_NEIGHBOURS, len(scores))
    ours, theirs = (np.partition(it, -most, axis=1)[:, -most:].mean(axis=1) for it in _ways(scores))
    scores = 2 * scores - ours[:, None] - theirs
    right_ones = [(it.argmax(axis=1) == np.arange(len(it))).mean() for it in _ways(scores)]
    return 100 * float(np.mean(right_ones))


def _ways(scores: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return scores, scores.T
