"""Variance of the AUC of several models on the same rows, and the intervals that follow from it."""

from math import sqrt

import numpy as np
from scipy import stats

from isthmus.core.arrays import Bools, Floats
from isthmus.core.errors import SpecError
from isthmus.evaluation.validation import Gain, Interval

LEVEL = 0.95
"""Confidence of every interval."""


def delong(label: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Compute the AUC of several models, and its covariance.

    Args:
        label: 0 or 1, shape (rows,).
        scores: Higher for rows that are more likely 1, shape (models, rows).

    Returns:
        The AUC, shape (models,), and the covariance, shape (models, models).

    Raises:
        SpecError: There are fewer than two rows of a class, so nothing is known of the variance.

    Source:
        DeLong, DeLong & Clarke-Pearson 1988, "Comparing the areas under two or more correlated
        receiver operating characteristic curves"; by midranks as in Sun & Xu 2014, "Fast
        implementation of DeLong's algorithm", so that it takes no product of positives and
        negatives.
    """
    positive: Bools = label == 1
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if min(positives, negatives) < _LEAST:
        raise SpecError(
            f"an interval takes {_LEAST} rows of each class, and there are {positives:,} with "
            f"label 1 and {negatives:,} with label 0."
        )
    # 1. Midranks among all rows, and within each class: the structural components of each row.
    ranks = _midranks(scores)
    of_positives = (ranks[:, positive] - _midranks(scores[:, positive])) / negatives
    of_negatives = 1 - (ranks[:, ~positive] - _midranks(scores[:, ~positive])) / positives

    # 2. Their means are the AUC; their covariances, each over its class, add up.
    spread = np.atleast_2d(np.cov(of_positives)) / positives
    spread = spread + np.atleast_2d(np.cov(of_negatives)) / negatives
    return of_positives.mean(axis=1), spread


def auc_interval(label: Floats, score: Floats) -> Interval:
    """Returns the AUC of a model with its interval.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher for rows that are more likely 1, shape (rows,).

    Returns:
        The interval, by the normal distribution, cut at 0 and 1.

    Raises:
        SpecError: There are too few rows of a class, or the scores rank all rows right.
    """
    (value,), ((variance,),) = delong(label, score[None])
    if variance == 0:
        raise SpecError(
            f"the scores rank all {len(label):,} rows alike or without a mistake, so nothing is "
            "known of how the AUC varies."
        )
    reach = _QUANTILE * sqrt(variance)
    return Interval(float(value), max(0.0, float(value - reach)), min(1.0, float(value + reach)))


def auc_gain(label: Floats, ours: Floats, other: Floats) -> Gain:
    """Returns how much higher the AUC of one model is than that of another.

    Args:
        label: 0 or 1, shape (rows,).
        ours: Scores of one model, shape (rows,).
        other: Scores of the model that it is compared with, shape (rows,).

    Returns:
        The difference, its interval, and the p-value of the two-sided test by DeLong.

    Raises:
        SpecError: There are too few rows of a class, or both models rank all rows alike.
    """
    values, covariance = delong(label, np.stack([ours, other]))
    contrast = np.array([1.0, -1.0])
    value, variance = float(contrast @ values), float(contrast @ covariance @ contrast)
    if variance <= _ROUNDING:
        raise SpecError("both models rank the rows alike, so nothing is known of the difference.")
    reach = _QUANTILE * sqrt(variance)
    p = 2 * float(stats.norm.sf(abs(value) / sqrt(variance)))
    return Gain(value, value - reach, value + reach, p)


def _midranks(scores: Floats) -> Floats:
    ranks: Floats = np.apply_along_axis(stats.rankdata, 1, scores)
    return ranks


_LEAST = 2
_ROUNDING = 1e-15
_QUANTILE = float(stats.norm.ppf((1 + LEVEL) / 2))
