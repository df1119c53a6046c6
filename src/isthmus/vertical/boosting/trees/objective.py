"""The objectives of boosting: losses, their derivatives, base scores and predictions.

A score is a log-odds (binary; multiclass: one per class), a log mean (poisson, tweedie) or the
expected label itself (squared, absolute). All shapes are (outputs, rows); objectives other than
multiclass have one output.
"""

import numpy as np
from scipy import special

from isthmus.core.arrays import Bools, Floats
from isthmus.core.errors import SpecError
from isthmus.vertical.boosting.spec import Boosting, Objective

LEAF_LIMIT: dict[Objective, float] = {"poisson": 0.7}
"""Largest magnitude of a leaf, for objectives whose Newton step is unbounded: for a mean of m and a
label of y it is y / m - 1. The limit is that of XGBoost."""


def check_values(label: Floats, spec: Boosting, rows: str) -> None:
    """Refuse labels for which an objective has no loss.

    Args:
        label: Labels of all rows, shape (rows,).
        spec: The `[boosting]` table, with the objective.
        rows: "training" or "test", for the error.

    Raises:
        SpecError: A label is not allowed for the objective.
    """
    match spec.objective:
        case "binary" if not np.isin(label, (0.0, 1.0)).all():
            fault = "has values other than 0 and 1: code it as 0 and 1"
        case "multiclass" if not np.isin(label, np.arange(spec.classes)).all():
            fault = f"has values other than 0, 1 and so on to {spec.classes - 1}: code it so"
        case "poisson" | "tweedie" if (label < 0).any():
            fault = "has values below 0: remove these rows"
        case _:
            return
    raise SpecError(
        f"the label of the {rows} rows {fault}, or take another `objective` than "
        f'"{spec.objective}".'
    )


def check(label: Floats, weight: Floats, spec: Boosting) -> None:
    """Refuse labels and weights from which nothing can be learnt.

    Args:
        label: Labels of the training rows, shape (rows,).
        weight: Weight of each row, same shape.
        spec: The `[boosting]` table, with the objective.

    Raises:
        SpecError: A label is not allowed for the objective, all labels are the same, a class has
            no row, or weights are negative, all 0, too unequal, or not allowed with
            `leaf_epsilon`.
    """
    check_values(label, spec, "training")
    if not (weight >= 0).all() or not (weight > 0).any():
        raise SpecError("sample weights must not be negative, and one must be above 0.")
    if spec.leaf_epsilon > 0 and (weight != 1).any():
        raise SpecError(
            "`boosting.leaf_epsilon` bounds what one row can change, and a sample weight undoes "
            "that: leave out one of the two."
        )
    seen = label[weight > 0]
    if np.ptp(seen) == 0:
        raise SpecError(
            f"the label has one single value on the {len(seen):,} training rows: there is nothing "
            "to learn. Check `label` of the data set."
        )
    if spec.objective == "multiclass" and len(np.unique(seen)) < spec.classes:
        raise SpecError(
            f"some of the {spec.classes} classes are on none of the {len(seen)} training rows: "
            "bring rows of each class, or agree on fewer `boosting.classes`."
        )
    with np.errstate(all="ignore"):  # the result is checked
        base = base_score(label, weight, spec)
    if not np.isfinite(base).all():
        raise SpecError(
            "sample weights differ so much that some labels count for nothing beside the others: "
            "scale them, so that the largest is at most a million times the least above 0."
        )


def base_score(label: Floats, weight: Floats, spec: Boosting) -> Floats:
    """Returns the best constant score.

    Args:
        label: Labels of the training rows, shape (rows,).
        weight: Weight of each row, same shape.
        spec: The `[boosting]` table, with the objective.

    Returns:
        Shape (outputs,).
    """
    match spec.objective:
        case "binary":
            odds: Floats = special.logit(np.average(label, weights=weight, keepdims=True))
            return odds
        case "multiclass":
            share: Floats = _one_hot(label, spec.classes) @ weight / weight.sum()
            return np.log(share)
        case "absolute":
            return np.array([median(label, weight)])
        case "squared":
            return np.average(label, weights=weight, keepdims=True)
        case "poisson" | "tweedie":
            return np.log(np.average(label, weights=weight, keepdims=True))


def median(values: Floats, weight: Floats) -> float:
    """Returns the weighted median: the least value with half of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def derivatives(score: Floats, label: Floats, spec: Boosting) -> tuple[Floats, Floats]:
    """Returns the first and second derivative of each row's loss by its score.

    Args:
        score: Scores, shape (outputs, rows).
        label: Labels, shape (rows,).
        spec: The `[boosting]` table, with the objective.

    Returns:
        Both of shape (outputs, rows). For some objectives the second is not exact: absolute has 1,
        as its derivative is 0; multiclass has twice its own, as the scores of all classes change
        at once; poisson has the largest value that a leaf within its limit can lead to.
    """
    match spec.objective:
        case "binary":
            mean = special.expit(score)
            return mean - label, mean * (1 - mean)
        case "multiclass":
            mean = special.softmax(score, axis=0)
            return mean - _one_hot(label, len(score)), 2 * mean * (1 - mean)
        case "squared":
            return score - label, np.ones_like(score)
        case "absolute":
            return np.sign(score - label), np.ones_like(score)
        case "poisson":
            mean = np.exp(score)
            return mean - label, mean * np.exp(LEAF_LIMIT["poisson"])
        case "tweedie":
            ours, theirs = 1 - spec.tweedie_power, 2 - spec.tweedie_power
            paid, expected = label * np.exp(ours * score), np.exp(theirs * score)
            return expected - paid, theirs * expected - ours * paid


def loss(score: Floats, label: Floats, weight: Floats, spec: Boosting) -> float:
    """Returns the weighted mean of the rows' losses.

    Args:
        score: Scores, shape (outputs, rows).
        label: Labels, shape (rows,).
        weight: Weights, shape (rows,).
        spec: The `[boosting]` table, with the objective.

    Returns:
        The loss; likelihoods are without the terms that depend on the label only.
    """
    return float(np.average(_losses(score, label, spec), weights=weight))


def _losses(score: Floats, label: Floats, spec: Boosting) -> Floats:
    only, losses = score[0], np.empty(len(label))
    match spec.objective:
        case "binary":
            losses[:] = np.logaddexp(0, only) - label * only
        case "multiclass":
            own = score[label.astype(np.int64), np.arange(len(label))]
            losses[:] = special.logsumexp(score, axis=0) - own
        case "squared":
            losses[:] = (only - label) ** 2 / 2
        case "absolute":
            losses[:] = np.abs(only - label)
        case "poisson":
            losses[:] = np.exp(only) - label * only
        case "tweedie":
            ours, theirs = 1 - spec.tweedie_power, 2 - spec.tweedie_power
            losses[:] = np.exp(theirs * only) / theirs - label * np.exp(ours * only) / ours
    return losses


def prediction(score: Floats, spec: Boosting) -> Floats:
    """Returns the expected label of each row, or the probability of each class.

    Args:
        score: Scores, shape (outputs, rows).
        spec: The `[boosting]` table, with the objective.

    Returns:
        Same shape.
    """
    expected = score.copy()
    match spec.objective:
        case "binary":
            special.expit(score, out=expected)
        case "multiclass":
            # Along the last axis, so that it adds up a row alone as it does a row among many.
            expected[:] = special.softmax(np.ascontiguousarray(score.T), axis=1).T
        case "poisson" | "tweedie":
            np.exp(score, out=expected)
        case "squared" | "absolute":
            pass
    return expected


def _one_hot(label: Floats, classes: int) -> Floats:
    own: Bools = np.arange(classes)[:, None] == label
    return own.astype(np.float64)
