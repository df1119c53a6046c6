"""What a result measures, under which names."""

from collections.abc import Callable, Mapping

from isthmus.core.arrays import Floats
from isthmus.evaluation import classification

Measures = Mapping[str, Callable[[Floats, Floats], float]]
"""Functions of label and predictions, by the name that a result gives what they find."""

RANKING = {"auc": classification.auc, "ks": classification.ks}
"""Of predictions of a label of 0 and 1."""


def measure(
    measures: Measures, label: Floats, predictions: Floats, suffix: str = ""
) -> dict[str, float]:
    """Measure predictions.

    Args:
        measures: What to measure.
        label: Shape (rows,).
        predictions: As the measures want them.
        suffix: Says after each name which model the predictions are of.

    Returns:
        The measures by name and suffix; none where the labels are all the same, as then there is
        no pair to rank and no spread to explain.

    Raises:
        SpecError: A prediction is not a number.
    """
    if (label == label[:1]).all():
        return {}
    return {name + suffix: find(label, predictions) for name, find in measures.items()}
