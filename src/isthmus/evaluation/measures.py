"""What a result measures, under which names."""

from collections.abc import Callable, Mapping

from isthmus.core.arrays import Floats
from isthmus.evaluation import classification
from isthmus.evaluation.description import Metrics

Measures = Mapping[str, Callable[[Floats, Floats], float]]
"""Functions of label and predictions, by the name that a result gives what they find."""

RANKING = {"auc": classification.auc, "ks": classification.ks}
"""Of predictions of a label of 0 and 1."""


def measure(measures: Measures, label: Floats, by_model: Mapping[str, Floats]) -> Metrics:
    """Measure the predictions of one or several models.

    Args:
        measures: What to measure.
        label: Shape (rows,).
        by_model: Predictions by name of the model, as the measures want them.

    Returns:
        Value by measure, then by model; none where the labels are all the same, as then there is no
        pair to rank and no spread to explain.

    Raises:
        SpecError: A prediction is not a number.
    """
    if (label == label[:1]).all():
        return {}
    return {
        name: {model: find(label, predictions) for model, predictions in by_model.items()}
        for name, find in measures.items()
    }
