"""Plain gradient descent with momentum, in the clear: how many rounds joint training is spared."""

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.data.table import Table
from isthmus.vertical.regression import families, scaling
from isthmus.vertical.regression.block import Block, penalty
from isthmus.vertical.regression.objective import Loss
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
    likelihood = families.likelihood(regression)
    loss = Loss(likelihood, scaling.label(active, regression))
    ours = np.column_stack([_standardised(active), np.ones(len(active))])
    x = np.hstack([ours, _standardised(passive)])
    largest = (likelihood.curvature_bound or 1.0) * np.linalg.eigvalsh(x.T @ x / len(x))[-1]
    step = 1 / (largest + regression.penalty)

    # 2. Each party's own model is there to measure the norm with, not to descend.
    split = (slice(ours.shape[1]), slice(ours.shape[1], None))
    curvature = loss.curvature(np.zeros(len(x)))
    strengths = [
        penalty(regression, x[:, own].shape[1], (), free)
        for own, free in zip(split, (1, 0), strict=True)
    ]
    blocks = [
        Block(x[:, own], strength, (), curvature)
        for own, strength in zip(split, strengths, strict=True)
    ]
    l2 = np.concatenate([strength.l2 for strength in strengths])
    weights = moved = np.zeros(x.shape[1])
    for number in range(1, most + 1):
        residual = loss.residual(x @ weights + loss.offset)
        square = 0.0
        for own, block in zip(split, blocks, strict=True):
            block.restore({"weights": weights[own]})
            square += block.propose(block.gradient(residual))[0]
        if np.sqrt(square) < regression.tolerance:
            return number
        moved = momentum * moved - step * (x.T @ residual / len(x) + l2 * weights)
        weights = weights + moved
    return None


def _standardised(table: Table) -> Floats:
    return scaling.fit(table)(table.features)
