"""Counts of labels by score, which add up over batches; the AUC of each task follows from them."""

from collections.abc import Mapping, Sequence

import numpy as np

from isthmus.paramserver.window import Float32s

_BINS = 256
"""Scores are told apart in so many steps of equal width."""


def tally(scores: Mapping[int, Float32s], labels: Float32s) -> Float32s:
    """Count the labels of a batch.

    Args:
        scores: Probabilities by number of the task, each of shape (samples,).
        labels: 0 or 1, NaN where missing, shape (samples, tasks).

    Returns:
        Shape (tasks * 2 * steps,): negatives, then positives of each task, by score.
    """
    tasks = labels.shape[1]
    found = np.zeros((tasks, 2 * _BINS), np.float32)
    for task, score in scores.items():
        known = ~np.isnan(labels[:, task])
        step = np.minimum((score[known] * _BINS).astype(np.int64), _BINS - 1)
        positive = labels[known, task].astype(np.int64)
        found[task] = np.bincount(step + _BINS * positive, minlength=2 * _BINS)
    return found.ravel()


def aucs(counts: Float32s, tasks: Sequence[str]) -> dict[str, float]:
    """Returns the AUC of each task as far as the steps tell, by name of the event's metric.

    Args:
        counts: A sum of results of `tally`, or nothing.
        tasks: Names of all tasks.

    Returns:
        `{"auc_ctr": 0.71}`; a task with labels of one kind only is left out.
    """
    if not counts.size:
        return {}
    found = dict[str, float]()
    for name, both in zip(tasks, counts.astype(np.float64).reshape(len(tasks), 2, -1), strict=True):
        negatives, positives = both
        below = np.cumsum(negatives) - negatives
        pairs = negatives.sum() * positives.sum()
        if pairs:
            found[f"auc_{name}"] = float((positives * (below + negatives / 2)).sum() / pairs)
    return found
