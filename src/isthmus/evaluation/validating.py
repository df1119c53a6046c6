"""Computes what a validator asks of scores, by the kind of the label."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.core.errors import SpecError
from isthmus.evaluation.amounts import amount_figures
from isthmus.evaluation.cuts import cuts
from isthmus.evaluation.delong import auc_gain, auc_interval
from isthmus.evaluation.multiclass import class_figures
from isthmus.evaluation.probabilities import brier, calibration, log_loss
from isthmus.evaluation.validation import Validation

T = TypeVar("T")


def validate(label: Floats, by_model: Mapping[str, Floats]) -> Validation | None:
    """Compute all figures for scores of a label of 0 and 1.

    Args:
        label: 0 or 1, shape (rows,).
        by_model: Probabilities of 1, shape (rows,), by name of the model; ours first, then the
            model that it is compared with, if there is one.

    Returns:
        The figures; None if the label has other values, or if there are no rows.

    Raises:
        SpecError: A score is not a number.
    """
    if not len(label) or not np.isin(label, (0.0, 1.0)).all():
        return None
    _check_numbers(*by_model.values())
    attempts = Attempts()

    def each(name: str, figure: Callable[[Floats, Floats], T]) -> dict[str, T | None]:
        return {
            model: attempts.find(f"{name} of {model}", partial(figure, label, score))
            for model, score in by_model.items()
        }

    ours, *others = by_model.values()
    gain = attempts.find("gain", lambda: auc_gain(label, ours, others[0])) if others else None
    return Validation(
        rows=len(label),
        positives=int(label.sum()),
        auc=each("auc", auc_interval),
        gain=gain,
        brier=each("brier", brier),
        log_loss=each("log_loss", log_loss),
        calibration=attempts.find("calibration", lambda: calibration(label, ours)) or [],
        cuts=attempts.find("cuts", lambda: cuts(label, ours)) or [],
        undefined=attempts.missing,
    )


def validate_classes(label: Floats, scores: Floats) -> Validation | None:
    """Compute all figures for scores of a label of several classes.

    Args:
        label: Number of the class, shape (rows,).
        scores: Probability of each class, shape (classes, rows).

    Returns:
        The figures; None if there are no rows.

    Raises:
        SpecError: A score is not a number.
    """
    if not len(label):
        return None
    _check_numbers(scores)
    attempts = Attempts()
    found = class_figures(label, scores, attempts)
    return Validation(rows=len(label), classes=found, undefined=attempts.missing)


def validate_amounts(label: Floats, by_model: Mapping[str, Floats]) -> Validation | None:
    """Compute all figures for predictions of a number.

    Args:
        label: Shape (rows,).
        by_model: Predictions in units of the label, shape (rows,), by name of the model.

    Returns:
        The figures; None if there are no rows.

    Raises:
        SpecError: A prediction is not a number.
    """
    if not len(label):
        return None
    _check_numbers(*by_model.values())
    attempts = Attempts()
    found = {
        model: amount_figures(label, predictions, attempts)
        for model, predictions in by_model.items()
    }
    return Validation(rows=len(label), amounts=found, undefined=attempts.missing)


def _check_numbers(*scores: Floats) -> None:
    if not all(np.isfinite(each).all() for each in scores):
        raise SpecError("some scores are not numbers: the training diverged.")
