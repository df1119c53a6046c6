# scikit-learn has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Measures of scores against labels of 0 and 1, or against classes."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError

Labels = NDArray[Any]
"""0 or 1 per row."""

MAX_POINTS = 200
"""Points per curve: smooth on a page, and too few to read single rows from."""


class Roc(msgspec.Struct, frozen=True):
    """The receiver operating characteristic, from (0, 0) to (1, 1)."""

    false_positive_rate: list[float]
    true_positive_rate: list[float]


class KsCurve(msgspec.Struct, frozen=True):
    """Who is found among the rows with the highest scores."""

    share: list[float]  # of all rows, by falling score
    positives: list[float]  # share of all positives found by then
    negatives: list[float]
    ks: float  # the widest gap between the two
    at: float  # the share of rows where it is


class LiftRow(msgspec.Struct, frozen=True):
    """One group of rows with like scores; group 1 has the highest."""

    group: int
    rows: int
    positives: int
    rate: float  # positives per row
    lift: float  # rate over the rate of all rows
    captured: float  # share of all positives in this group and those before it


def auc(label: Labels, score: Floats) -> float:
    """Chance that a positive row scores above a negative one.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher means rather 1, shape (rows,).

    Returns:
        In [0, 1]; 0.5 is a blind guess.

    Raises:
        SpecError: The rows hold one class only, or a score is not a number.
    """
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - it takes a second to load

    _check(label, score)
    return float(roc_auc_score(label, score))


def ks(label: Labels, score: Floats) -> float:
    """Kolmogorov-Smirnov distance between the scores of positive and of negative rows.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher means rather 1, shape (rows,).

    Returns:
        In [0, 1].

    Raises:
        SpecError: The rows hold one class only, or a score is not a number.
    """
    false_positive_rate, true_positive_rate = _rates(label, score)
    return float(np.max(true_positive_rate - false_positive_rate))


def accuracy(label: Labels, scores: Floats) -> float:
    """Share of the rows whose class has the highest score.

    Args:
        label: Number of the class, shape (rows,).
        scores: Shape (classes, rows).

    Returns:
        In [0, 1].
    """
    return float((scores.argmax(axis=0) == label).mean())


def roc(label: Labels, score: Floats) -> Roc:
    """The ROC curve, thinned to `MAX_POINTS`.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher means rather 1, shape (rows,).

    Returns:
        The curve.

    Raises:
        SpecError: The rows hold one class only, or a score is not a number.
    """
    false_positive_rate, true_positive_rate = _rates(label, score)
    kept = _thin(len(false_positive_rate))
    return Roc(false_positive_rate[kept].tolist(), true_positive_rate[kept].tolist())


def ks_curve(label: Labels, score: Floats) -> KsCurve:
    """Cumulative shares of positives and negatives by falling score, thinned to `MAX_POINTS`.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher means rather 1, shape (rows,).

    Returns:
        The curve; the point of the widest gap is always on it.

    Raises:
        SpecError: The rows hold one class only, or a score is not a number.
    """
    negatives, positives = _rates(label, score)
    rate = float(np.mean(label))
    share = rate * positives + (1 - rate) * negatives
    widest = int(np.argmax(positives - negatives))
    kept = np.union1d(_thin(len(share)), widest)
    return KsCurve(
        share=share[kept].tolist(),
        positives=positives[kept].tolist(),
        negatives=negatives[kept].tolist(),
        ks=float(positives[widest] - negatives[widest]),
        at=float(share[widest]),
    )


def lift(label: Labels, score: Floats, groups: int = 10) -> list[LiftRow]:
    """Rates of positives in groups of equal size by falling score.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher means rather 1, shape (rows,). Equal scores keep the order of the rows.
        groups: How many groups; fewer when there are fewer rows.

    Returns:
        One row per group, the highest scores first.

    Raises:
        SpecError: The rows hold one class only, or a score is not a number.
    """
    _check(label, score)
    ranked = label[np.argsort(-score, kind="stable")]
    total = int(ranked.sum())
    result: list[LiftRow] = []
    captured = 0
    for number, group in enumerate(np.array_split(ranked, min(groups, len(ranked))), 1):
        positives = int(group.sum())
        captured += positives
        rate = positives / len(group)
        result.append(
            LiftRow(
                group=number,
                rows=len(group),
                positives=positives,
                rate=rate,
                lift=rate / (total / len(ranked)),
                captured=captured / total,
            )
        )
    return result


def _check(label: Labels, score: Floats) -> None:
    if not np.isin(label, (0, 1)).all():
        raise SpecError(
            "The label of the test rows is not 0 or 1 everywhere. "
            'Recode the label column, or train with `link = "identity"`.'
        )
    if (label == label[:1]).all():
        raise SpecError(
            "The test rows hold one class only, so nothing can be ranked. "
            "Raise the share of test rows, or take another seed."
        )
    if not np.isfinite(score).all():
        raise SpecError(
            "Some scores are not numbers: the training diverged. "
            "Look for columns with huge values, or lower the step length."
        )


def _rates(label: Labels, score: Floats) -> tuple[Floats, Floats]:
    """False and true positive rates at every threshold, both from 0 to 1."""
    from sklearn.metrics import roc_curve  # noqa: PLC0415 - it takes a second to load

    _check(label, score)
    false_positive_rate, true_positive_rate, _ = roc_curve(label, score)
    return false_positive_rate, true_positive_rate


def _thin(points: int) -> NDArray[np.intp]:
    """Evenly spaced positions, both ends among them."""
    return np.unique(np.linspace(0, points - 1, min(points, MAX_POINTS)).astype(np.intp))
