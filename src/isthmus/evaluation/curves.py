"""Curves of scores for a label of 0 and 1: each that can be drawn."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.evaluation import classification


def curves(label: Floats, by_model: Mapping[str, Floats], attempts: Attempts) -> dict[str, Any]:
    """Compute the curves of a page.

    Args:
        label: 0 or 1, shape (rows,).
        by_model: Scores by name of the model, ours first, shape (rows,).
        attempts: Is told why a curve is missing.

    Returns:
        The fields `roc`, `ks` and `lift` of `isthmus.evaluation.pages.vertical_report`.
    """
    ours = next(iter(by_model.values()))
    roc = {
        name: attempts.find("roc", partial(classification.roc, label, score))
        for name, score in by_model.items()
    }
    return {
        "roc": {name: curve for name, curve in roc.items() if curve is not None},
        "ks": attempts.find("ks", partial(classification.ks_curve, label, ours)),
        "lift": attempts.find("lift", partial(classification.lift, label, ours)) or [],
    }
