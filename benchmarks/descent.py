"""Plain gradient descent with momentum, in the clear: how many rounds joint training is spared."""

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.data.table import Table
from isthmus.vertical.regression import objective, scaling
from isthmus.vertical.regression.objective import CURVATURE, Preconditioner
from isthmus.vertical.regression.spec import Regression


def rounds_of_descent(
    active: Table, passive: Table, regression: Regression, momentum: float, most: int
) -> int | None:
    """Rounds until the norm that ends a joint training is as small as it has to be there.

    Args:
        active: Training rows, with labels.
        passive: The same rows at the other party.
        regression: Family, penalty and tolerance.
        momentum: Share of the last step in the next (Polyak 1964).
        most: Give up after so many.

    Returns:
        The rounds, or None where they are more than `most`.
    """
    # 1. The step that always descends: one over the largest curvature of the loss.
    ours = np.column_stack([_standardised(active), np.ones(len(active))])
    x, label = np.hstack([ours, _standardised(passive)]), scaling.label(active, regression.family)
    penalty: Floats = np.full(x.shape[1], regression.penalty)
    penalty[ours.shape[1] - 1] = 0.0  # the intercept is free
    largest = CURVATURE[regression.family] * np.linalg.eigvalsh(x.T @ x / len(x))[-1]
    step = 1 / (largest + regression.penalty)

    # 2. Each party's preconditioner is there to measure the norm with, not to descend.
    split = (slice(ours.shape[1]), slice(ours.shape[1], None))
    parts = [(own, Preconditioner(x[:, own], penalty[own], regression.family)) for own in split]
    weights = moved = np.zeros(x.shape[1])
    for number in range(1, most + 1):
        residual = objective.residual(regression.family, x @ weights, label.values)
        gradient = objective.gradient(x, residual, weights, penalty)
        square = sum(gradient[own] @ solve(gradient[own]) for own, solve in parts)
        if np.sqrt(square) < regression.tolerance:
            return number
        moved = momentum * moved - step * gradient
        weights = weights + moved
    return None


def _standardised(table: Table) -> Floats:
    return scaling.fit(table)(table.features)
