"""Precision, recall and confusion of decisions at several cuts of the score."""

from collections.abc import Sequence

import numpy as np

from isthmus.core.arrays import Bools, Floats
from isthmus.evaluation.validation import Cut

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)
"""Shares of the rows, highest scores first, at which tables cut."""


def cuts(label: Floats, score: Floats, shares: Sequence[float] = SHARES) -> list[Cut]:
    """Returns what decisions at several scores would have done.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher for rows that are more likely 1, shape (rows,).
        shares: Shares of the rows to take, each in (0, 1].

    Returns:
        By falling score, each cut once. Rows with equal scores are taken together, so a cut may
        take more rows than its share asked for.
    """
    ranked = np.sort(score)[::-1]
    chosen = {float(ranked[_place(share, len(ranked))]) for share in shares if len(ranked)}
    return [_cut(label == 1, score, each) for each in sorted(chosen, reverse=True)]


def _place(share: float, rows: int) -> int:
    return max(0, min(rows, round(share * rows)) - 1)


def _cut(positive: Bools, score: Floats, least: float) -> Cut:
    taken: Bools = score >= least
    hits, positives = int((taken & positive).sum()), int(positive.sum())
    rows = int(taken.sum())
    return Cut(
        share=rows / len(score),
        score=least,
        true_positives=hits,
        false_positives=rows - hits,
        false_negatives=positives - hits,
        true_negatives=len(score) - rows - (positives - hits),
        precision=hits / rows,
        recall=hits / positives if positives else None,
    )
