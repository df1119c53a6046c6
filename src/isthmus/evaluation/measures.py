"""Evaluation of predictions by several measures, by name."""

from collections.abc import Callable, Mapping
from functools import partial

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.evaluation import classification
from isthmus.evaluation.description import PartialMetrics

Measures = Mapping[str, Callable[[Floats, Floats], float]]
"""Functions of (label, predictions) by the name of the measure."""

RANKING = {"auc": classification.auc, "ks": classification.ks}
"""Measures for labels of 0 and 1."""

DECISIONS = {"precision": classification.precision, "recall": classification.recall}
"""Measures of decisions about labels of 0 and 1."""


def measure(
    measures: Measures, label: Floats, by_model: Mapping[str, Floats], attempts: Attempts
) -> PartialMetrics:
    """Measure the predictions of one or several models.

    Args:
        measures: The measures by name.
        label: Shape (rows,).
        by_model: Predictions by name of the model, as the measures take them.
        attempts: Is told why a measure is undefined, as `metrics.auc`.

    Returns:
        Value by measure, then by model; None where the measure is undefined.
    """
    if not len(label):  # the caller knows why
        return {name: dict.fromkeys(by_model) for name in measures}
    return {
        name: {
            model: attempts.find(f"metrics.{name}", partial(find, label, predictions))
            for model, predictions in by_model.items()
        }
        for name, find in measures.items()
    }
