# scikit-learn has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Metrics of classification: AUC, KS, accuracy, and the ROC, KS and lift curves."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools, Floats
from isthmus.core.errors import SpecError

Labels = NDArray[Any]
"""0 or 1 per row; in `accuracy` the number of the class."""

MAX_POINTS = 200
"""Most points of a curve: smooth on a page, and too few to reveal single rows."""


class Roc(msgspec.Struct, frozen=True):
    """The receiver operating characteristic, from (0, 0) to (1, 1)."""

    false_positive_rate: list[float]
    true_positive_rate: list[float]


class KsCurve(msgspec.Struct, frozen=True):
    """Cumulative shares of positives and negatives among the rows with the highest scores."""

    share: list[float]  # of all rows, by descending score
    positives: list[float]  # share of all positives among these rows
    negatives: list[float]  # share of all negatives among these rows
    ks: float  # the largest difference between the two
    at: float  # the share of rows at the largest difference


class LiftRow(msgspec.Struct, frozen=True):
    """One group of rows with similar scores; group 1 has the highest."""

    group: int
    rows: int
    positives: int
    rate: float  # positives per row
    lift: float  # rate over the rate of all rows
    captured: float  # share of all positives in this group and those before it


def auc(label: Labels, score: Floats) -> float:
    """Area under the ROC curve: the probability that a positive row scores above a negative one.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher for rows that are more likely 1, shape (rows,).

    Returns:
        In [0, 1]; 0.5 is as good as chance.

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
        score: Higher for rows that are more likely 1, shape (rows,).

    Returns:
        In [0, 1].

    Raises:
        SpecError: The rows hold one class only, or a score is not a number.
    """
    false_positive_rate, true_positive_rate = _rates(label, score)
    return float(np.max(true_positive_rate - false_positive_rate))


def accuracy(label: Labels, scores: Floats) -> float:
    """Accuracy: the share of rows whose class has the highest score.

    Args:
        label: Number of the class, shape (rows,).
        scores: Shape (classes, rows).

    Returns:
        In [0, 1].
    """
    return float((scores.argmax(axis=0) == label).mean())


def precision(label: Labels, decided: Floats) -> float:
    """Precision: the share of positives among the rows with the decision yes.

    Args:
        label: 0 or 1, shape (rows,).
        decided: 1 for yes, 0 for no, shape (rows,).

    Returns:
        In [0, 1].

    Raises:
        SpecError: There is no such row.
    """
    return _share((label == 1) & (decided == 1), decided == 1, "no row has the decision yes")


def recall(label: Labels, decided: Floats) -> float:
    """Recall: the share of the positives that have the decision yes.

    Args:
        label: 0 or 1, shape (rows,).
        decided: 1 for yes, 0 for no, shape (rows,).

    Returns:
        In [0, 1].

    Raises:
        SpecError: There are no positives.
    """
    return _share((label == 1) & (decided == 1), label == 1, "no row has the label 1")


def _share(part: Bools, whole: Bools, none: str) -> float:
    if not whole.any():
        raise SpecError(f"{none}.")
    return float(part.sum() / whole.sum())


def roc(label: Labels, score: Floats) -> Roc:
    """Returns the ROC curve, thinned to at most `MAX_POINTS` points.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher for rows that are more likely 1, shape (rows,).

    Returns:
        The curve.

    Raises:
        SpecError: The rows hold one class only, or a score is not a number.
    """
    false_positive_rate, true_positive_rate = _rates(label, score)
    kept = _thin(len(false_positive_rate))
    return Roc(false_positive_rate[kept].tolist(), true_positive_rate[kept].tolist())


def ks_curve(label: Labels, score: Floats) -> KsCurve:
    """Returns cumulative shares of positives and negatives, thinned to about `MAX_POINTS` points.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher for rows that are more likely 1, shape (rows,).

    Returns:
        The curve; it always has the point of the largest difference.

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
    """Returns the rates of positives in groups of equal size by descending score.

    Args:
        label: 0 or 1, shape (rows,).
        score: Higher for rows that are more likely 1, shape (rows,). Rows with equal scores keep
            their order.
        groups: Number of groups; fewer if there are fewer rows.

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
            'Recode the label column, or train with `family = "gaussian"`.'
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
    """Returns false and true positive rates at every threshold, both from 0 to 1."""
    from sklearn.metrics import roc_curve  # noqa: PLC0415 - it takes a second to load

    _check(label, score)
    false_positive_rate, true_positive_rate, _ = roc_curve(label, score)
    return false_positive_rate, true_positive_rate


def _thin(points: int) -> NDArray[np.intp]:
    """Returns evenly spaced positions, including both ends."""
    return np.unique(np.linspace(0, points - 1, min(points, MAX_POINTS)).astype(np.intp))
