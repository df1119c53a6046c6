"""Figures of scores for a label of several classes, for a validator."""
# scikit-learn has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from functools import partial

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.core.errors import SpecError
from isthmus.evaluation.classification import accuracy, auc
from isthmus.evaluation.validation import ClassFigures


def class_figures(label: Floats, scores: Floats, attempts: Attempts) -> ClassFigures:
    """Compute all figures of one model.

    Args:
        label: Number of the class, shape (rows,), at least one row.
        scores: Probability of each class, shape (classes, rows).
        attempts: Is told why a figure is undefined.

    Returns:
        The figures; None where one is undefined.
    """
    classes = range(len(scores))
    return ClassFigures(
        accuracy=accuracy(label, scores),
        log_loss=attempts.find("log_loss", lambda: log_loss(label, scores)),
        auc=[
            attempts.find(f"auc of class {each}", partial(_one_against_rest, label, scores, each))
            for each in classes
        ],
        confusion=confusion(label, scores),
    )


def log_loss(label: Floats, scores: Floats) -> float:
    """Mean negative logarithm of the probability of the class that a row has: 0 at best.

    Args:
        label: Number of the class, shape (rows,), at least one row.
        scores: Probability of each class, shape (classes, rows).

    Returns:
        At least 0.
    """
    from sklearn import metrics  # noqa: PLC0415 - it takes a second to load

    return float(metrics.log_loss(label, scores.T, labels=np.arange(len(scores))))


def confusion(label: Floats, scores: Floats) -> list[list[int]]:
    """Count rows by the class that they have, and the one with the highest score.

    Args:
        label: Number of the class, shape (rows,).
        scores: Shape (classes, rows).

    Returns:
        For each class of a row, the number of rows that are taken for each class.
    """
    counts = np.zeros((len(scores), len(scores)), np.int64)
    np.add.at(counts, (label.astype(np.int64), scores.argmax(axis=0)), 1)
    found: list[list[int]] = counts.tolist()
    return found


def _one_against_rest(label: Floats, scores: Floats, number: int) -> float:
    those = label == number
    if not those.any() or those.all():
        raise SpecError("no row has this class" if not those.any() else "all rows have this class")
    return auc(those.astype(np.int64), scores[number])
