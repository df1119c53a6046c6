"""Figures of predictions of a number, for a validator."""

from functools import partial

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.evaluation.probabilities import in_quantiles, quantiles
from isthmus.evaluation.regression import mae, r2, rmse
from isthmus.evaluation.validation import AmountFigures, AmountGroup

_FIGURES = {"r2": r2, "mae": mae, "rmse": rmse}


def amount_figures(label: Floats, prediction: Floats, attempts: Attempts) -> AmountFigures:
    """Compute all figures of one model.

    Args:
        label: Shape (rows,), at least one row.
        prediction: In units of the label, shape (rows,).
        attempts: Is told why a figure is undefined.

    Returns:
        The figures; None where one is undefined.
    """
    found = {
        name: attempts.find(name, partial(figure, label, prediction))
        for name, figure in _FIGURES.items()
    }
    groups = attempts.find("calibration", lambda: calibration(label, prediction))
    return AmountFigures(**found, calibration=groups or [])


def calibration(label: Floats, prediction: Floats, most: int = 10) -> list[AmountGroup]:
    """Compare predictions with what came, in groups of rows with similar predictions.

    Args:
        label: Shape (rows,).
        prediction: In units of the label, shape (rows,).
        most: Most groups.

    Returns:
        Groups of about equal size by rising prediction. Rows with equal predictions are in one
        group, so there may be fewer.
    """
    groups = in_quantiles(prediction, quantiles(prediction, most))
    return [
        AmountGroup(
            rows=int(those.sum()),
            expected=float(prediction[those].mean()),
            observed=float(label[those].mean()),
        )
        for those in (groups == each for each in np.unique(groups))
    ]
