# scikit-learn has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Whether scores are probabilities: Brier score, log loss, and the calibration curve."""

import numpy as np
from scipy import stats

from isthmus.core.arrays import Floats, Integers
from isthmus.evaluation.delong import LEVEL
from isthmus.evaluation.validation import CalibrationGroup


def brier(label: Floats, score: Floats) -> float:
    """Mean squared difference between probability and label: 0 at best.

    Args:
        label: 0 or 1, shape (rows,), at least one row.
        score: Probability of 1, shape (rows,).

    Returns:
        In [0, 1].
    """
    return float(np.mean((score - label) ** 2))


def log_loss(label: Floats, score: Floats) -> float:
    """Mean negative logarithm of the probability of what happened: 0 at best.

    Args:
        label: 0 or 1, shape (rows,), at least one row.
        score: Probability of 1, shape (rows,).

    Returns:
        At least 0.
    """
    from sklearn import metrics  # noqa: PLC0415 - it takes a second to load

    return float(metrics.log_loss(label, score, labels=[0.0, 1.0]))


def calibration(label: Floats, score: Floats, most: int = 10) -> list[CalibrationGroup]:
    """Compare probabilities with what happened, in groups of rows with similar scores.

    Args:
        label: 0 or 1, shape (rows,).
        score: Probability of 1, shape (rows,).
        most: Most groups.

    Returns:
        Groups of about equal size by rising score. Rows with equal scores are in one group, so
        there may be fewer.
    """
    groups = in_quantiles(score, quantiles(score, most))
    return [_group(label[groups == each], score[groups == each]) for each in np.unique(groups)]


def quantiles(values: Floats, groups: int) -> Floats:
    """Returns the bounds between groups of about equal size, each once, ascending.

    Args:
        values: Shape (rows,).
        groups: Number of groups at most.

    Returns:
        Shape (groups - 1,) or less: values of `values`. A value up to the first bound is in the
        first group.
    """
    places = -(-np.arange(1, groups) * len(values) // groups) - 1  # of the last value in a group
    return np.unique(np.sort(values)[places[places >= 0]])


def in_quantiles(values: Floats, bounds: Floats) -> Integers:
    """Returns the number of the group of each value, from 0, for bounds that `quantiles` found."""
    return np.searchsorted(bounds, values, side="left")


def _group(label: Floats, score: Floats) -> CalibrationGroup:
    found, rows = int(label.sum()), len(label)
    interval = stats.binomtest(found, rows).proportion_ci(LEVEL, method="wilson")
    return CalibrationGroup(
        rows=rows,
        expected=float(score.mean()),
        observed=found / rows,
        low=float(interval.low),
        high=float(interval.high),
    )
