"""Evaluation of predictions by several measures, by name."""

from collections.abc import Callable, Mapping

from isthmus.core.arrays import Floats
from isthmus.evaluation import classification
from isthmus.evaluation.description import Metrics

Measures = Mapping[str, Callable[[Floats, Floats], float]]
"""Functions of (label, predictions) by the name of the measure."""

RANKING = {"auc": classification.auc, "ks": classification.ks}
"""Measures for labels of 0 and 1."""


def measure(measures: Measures, label: Floats, by_model: Mapping[str, Floats]) -> Metrics:
    """Measure the predictions of one or several models.

    Args:
        measures: The measures by name.
        label: Shape (rows,).
        by_model: Predictions by name of the model, as the measures take them.

    Returns:
        Value by measure, then by model; empty if all labels are the same, as then there is no pair
        to rank and no variance to explain.

    Raises:
        SpecError: A prediction is not a number.
    """
    if (label == label[:1]).all():
        return {}
    return {
        name: {model: find(label, predictions) for model, predictions in by_model.items()}
        for name, find in measures.items()
    }
