"""Measures of the predictions of each family."""

from collections.abc import Mapping
from functools import partial

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.data.table import Table
from isthmus.evaluation.classification import accuracy
from isthmus.evaluation.description import PartialMetrics
from isthmus.evaluation.measures import RANKING, Measures, measure
from isthmus.evaluation.multiclass import log_loss
from isthmus.evaluation.regression import d2, deviance, r2, rmse
from isthmus.vertical.labelled import labelled
from isthmus.vertical.regression.model import Part
from isthmus.vertical.regression.spec import LinearModel


def measures(model: LinearModel | Part) -> Measures:
    """Returns the measures of a model's family, by name."""
    match model.family:
        case "binomial":
            return RANKING
        case "gaussian":
            return {"rmse": rmse, "r2": r2}
        case "multinomial":
            return {"accuracy": accuracy, "log_loss": log_loss}
        case "poisson":
            return _of_power(1.0)
        case "gamma":
            return _of_power(2.0)
        case "tweedie":
            return _of_power(model.tweedie_power)


def measured(
    model: LinearModel | Part, rows: Table, by_model: Mapping[str, Floats], attempts: Attempts
) -> PartialMetrics:
    """Measure predictions of rows whose label is known.

    Args:
        model: What says the family.
        rows: The rows.
        by_model: Predictions by name of the model, shape (rows,) or (classes, rows).
        attempts: Is told why a measure is undefined.

    Returns:
        Value by measure, then by model; None where the measure is undefined.
    """
    label, known = labelled(rows, by_model)
    return measure(measures(model), label, known, attempts)


def _of_power(power: float) -> Measures:
    return {"deviance": partial(deviance, power=power), "d2": partial(d2, power=power)}
