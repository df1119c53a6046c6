"""Computes what a validator asks of scores for a label of 0 and 1."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.core.errors import SpecError
from isthmus.evaluation.cuts import cuts
from isthmus.evaluation.delong import auc_gain, auc_interval
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
    if not all(np.isfinite(score).all() for score in by_model.values()):
        raise SpecError("some scores are not numbers: the training diverged.")
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
