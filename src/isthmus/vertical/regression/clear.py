"""The joint optimisation in the clear, of columns that one party has: it is what all roles do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.vertical.regression import families
from isthmus.vertical.regression.block import Block, penalty
from isthmus.vertical.regression.objective import Line, Loss
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.spec import LinearModel


@dataclass(frozen=True)
class Fitted:
    """The result of an optimisation."""

    weights: list[Floats]
    """Coefficients of each block of columns, shape (columns,) or (columns, classes); the last one
    of the first block is the intercept."""

    predictor: Floats
    """Linear predictor of the training rows."""

    norms: list[float]
    """Norm of the step that all blocks proposed, by round."""

    converged: bool


def fit(  # noqa: PLR0913 - of which two are for who wants to know what roles see
    columns: Sequence[Floats],
    label: Label,
    spec: LinearModel,
    tolerance: float,
    most: int,
    *,
    start: Floats | None = None,
    watch: Callable[[Floats], object] = len,
) -> Fitted:
    """Minimise the penalised loss as parties do, each of which has some of the columns.

    Args:
        columns: Standardised columns by party, each of shape (rows, columns).
        label: Labels, weights and offsets.
        spec: Family and penalty.
        tolerance: Norm of the proposed steps where training ends.
        most: Rounds at most.
        start: Coefficients of the first party to begin with; the intercept comes last.
        watch: Sees the residuals of every round, before the step.

    Returns:
        The coefficients, and how training ended.
    """
    loss = Loss(families.likelihood(spec), label)
    blocks = _blocks(columns, loss, spec)
    if start is not None:
        blocks[0].weights = start.copy()
    predictor = loss.offset + blocks[0].x @ blocks[0].weights
    norms, last_square, converged = list[float](), np.inf, False
    for _ in range(most):
        residual = loss.residual(predictor)
        watch(residual)
        proposed = [block.propose(block.gradient(residual)) for block in blocks]
        square, overlap = (sum(parts) for parts in zip(*proposed, strict=True))
        norms.append(float(np.sqrt(square)))
        converged = norms[-1] < tolerance
        if converged:
            break
        conjugacy = max(0.0, (square - overlap) / last_square)
        slope = sum((block.turn(conjugacy) for block in blocks), np.zeros_like(predictor))
        line = sum((block.along() for block in blocks), Line())
        length = loss.step_length(predictor, slope, line)
        for block in blocks:
            block.move(length)
        predictor = predictor + length * slope
        last_square = square if length > 0 else np.inf
        converged = length == 0 and conjugacy == 0  # the rest is rounding
        if converged:
            break
    if converged and spec.l1_ratio > 0:
        predictor = predictor + sum(block.settle() for block in blocks)
    return Fitted([block.weights for block in blocks], predictor, norms, converged)


def _blocks(columns: Sequence[Floats], loss: Loss, spec: LinearModel) -> list[Block[Floats]]:
    # Of each party; that of the first has the intercept, at about its best value without columns.
    ours, outputs = np.column_stack([columns[0], np.ones(len(columns[0]))]), loss.likelihood.outputs
    curvature = loss.curvature(np.zeros((len(ours), *outputs)) + loss.offset + loss.constant())
    blocks = [
        Block(x, penalty(spec, x.shape[1], outputs, free), outputs, curvature)
        for x, free in [(ours, 1), *((x, 0) for x in columns[1:])]
    ]
    blocks[0].weights[-1] = loss.constant()
    return blocks
