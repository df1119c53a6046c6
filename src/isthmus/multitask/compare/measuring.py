"""Measures of the tasks of a model, on test rows, beside those of other models."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools, Floats
from isthmus.core.errors import SpecError
from isthmus.evaluation.classification import auc
from isthmus.evaluation.description import PartialMetrics
from isthmus.multitask.spec import Multitask

Labels = NDArray[np.floating]
"""0 or 1 for each row and task, shape (rows, tasks); NaN where the label is missing."""

_SURE = 1e-7
"""Least distance of a probability from 0 and 1 in the logarithmic loss."""


def measured(
    spec: Multitask, labels: Labels, by_model: Mapping[str, Floats | None]
) -> PartialMetrics:
    """Measure each task of each model on the rows that have its label.

    A task with `given` is measured where that label is 1 only.

    Args:
        spec: The `[multitask]` table.
        labels: Labels of the test rows, shape (rows, tasks).
        by_model: Probabilities by name of the model, shape (rows, tasks). A column of NaN: the
            model does not know this task. None: there is no such model.

    Returns:
        `{"auc_ctr": {"model": 0.79, "boosted": None}}`: value by measure and task, then by model. A
        task whose test rows all have the same label is not measured.

    Raises:
        SpecError: A prediction of a task that a model knows is not a number.
    """
    found = dict[str, dict[str, float | None]]()
    for name, find in _MEASURES.items():
        for number, task in enumerate(spec.tasks):
            rows = measured_rows(spec, labels, number)
            label = labels[rows, number].astype(np.float64)
            if not len(label) or (label == label[0]).all():
                continue
            found[f"{name}_{task}"] = {
                model: None if scores is None else _found(find, label, scores[rows, number])
                for model, scores in by_model.items()
            }
    return found


def measured_rows(spec: Multitask, labels: Labels, number: int) -> Bools:
    """Returns which rows tell how good the predictions of a task are, shape (rows,).

    Args:
        spec: The `[multitask]` table.
        labels: Labels, shape (rows, tasks).
        number: Number of the task.

    Returns:
        Those with a label, and for a task with `given` those among them where that label is 1.
    """
    chosen: Bools = ~np.isnan(labels[:, number])
    given = list(spec.tasks.values())[number].given
    while given is not None:
        before = list(spec.tasks).index(given)
        chosen &= labels[:, before] == 1
        given = spec.tasks[given].given
    return chosen


def logloss(label: Floats, scores: Floats) -> float:
    """Mean negative logarithm of the probability of what happened.

    Args:
        label: 0 or 1, shape (rows,).
        scores: Probabilities of 1, shape (rows,).

    Returns:
        0 at best; .693 if every probability is one half.
    """
    bounded = np.clip(scores, _SURE, 1 - _SURE)
    return float(-np.mean(np.where(label == 1, np.log(bounded), np.log1p(-bounded))))


def calibration(label: Floats, scores: Floats) -> float:
    """Returns the sum of probabilities over the number of positives: 1 at best."""
    return float(scores.sum() / label.sum())


_MEASURES: Mapping[str, Callable[[Floats, Floats], float]] = {
    "auc": auc,
    "logloss": logloss,
    "calibration": calibration,
}


def _found(find: Callable[[Floats, Floats], float], label: Floats, scores: Floats) -> float | None:
    if np.isnan(scores).all():
        return None
    if not np.isfinite(scores).all():
        raise SpecError(
            "some scores are not numbers: training diverged. Lower `multitask.server.rows.rate` or "
            "`multitask.server.dense.rate`."
        )
    return find(label, scores.astype(np.float64))
