"""Label leakage: how well a passive party can tell classes apart from the gradients that it gets.

A gradient is a product of its columns and the residuals of all rows: linear equations about the
residuals, which say on which side of the prediction a label lies. The attack solves them by least
squares, which needs nothing but what the party has. Its success is measured as an AUC, beside that
of the party's own coefficients, which every joint model tells: what is above them is leaked.
"""

from collections.abc import Callable, Sequence

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.crypto import radix
from isthmus.crypto.radix import Quantised
from isthmus.data.table import Table
from isthmus.evaluation import classification
from isthmus.vertical.regression import clear, families, scaling
from isthmus.vertical.regression.objective import Loss
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.shared.coefficients import Coefficients
from isthmus.vertical.regression.spec import Regression

ATTACK, OWN = "label_auc", "own_weights_auc"
"""Names of the two measures."""

Watch = Callable[[Floats], object]
"""Sees the residuals of every round."""

_BITS = 24
"""Of residuals after the point: sums over a million rows fit 64 bits."""


def label_auc(columns: Floats, gradients: Sequence[Floats], label: Floats) -> float:
    """Returns how well least squares over gradients ranks the rows by label.

    Args:
        columns: What the party multiplied residuals by, shape (rows, columns).
        gradients: In each round, the sums over rows of column times residual, shape (columns,).
        label: 0 or 1, shape (rows,).

    Returns:
        The largest AUC of any round, or of all rounds together.
    """
    every = [*gradients, np.mean(gradients, axis=0)]
    guesses = [np.linalg.lstsq(columns.T, gradient, rcond=1e-6)[0] for gradient in every]
    return max(classification.auc(label, -guess.astype(np.float64)) for guess in guesses)


def simulated(spec: Regression, trains: Sequence[Table]) -> dict[str, float]:
    """Attack a training whose columns are all in one place, as in a simulation.

    It trains as the level of the job does, without encryption, so that the gradients are those that
    the passive parties of that level get.

    Args:
        spec: The `[regression]` table.
        trains: Training rows of each party; the active party comes first.

    Returns:
        Both measures, of the passive party that learns most beyond its own coefficients; none of
        labels that are not 0 and 1, nor where rows are in batches.
    """
    if spec.family != "binomial" or spec.batches > 1:
        return {}
    theirs = [
        radix.quantise(scaling.fit(table)(table.features), spec.feature_bits)
        for table in trains[1:]
    ]
    columns, label = [each.values() for each in theirs], scaling.label(trains[0], spec)
    seen: list[list[Floats]] = [[] for _ in theirs]

    def watch(residual: Floats) -> None:
        for x, gradients in zip(columns, seen, strict=True):
            gradients.append(x.T @ residual)

    play = _at_the_shared_level if spec.level == "shared" else _at_the_encrypted_level
    found = [
        {
            ATTACK: label_auc(x, gradients, label.values),
            OWN: classification.auc(label.values, x @ weights),
        }
        for x, gradients, weights in zip(
            columns, seen, play(spec, trains[0], theirs, watch), strict=True
        )
    ]
    return max(found, key=lambda each: each[ATTACK] - each[OWN])


def _at_the_encrypted_level(
    spec: Regression, own: Table, theirs: Sequence[Quantised], watch: Watch
) -> list[Floats]:
    """Train with a line search; returns the coefficients of the passive parties."""
    blocks = [scaling.fit(own)(own.features), *(each.values() for each in theirs)]
    label, start, most = scaling.label(own, spec), train_pooled(own, spec).weights, spec.max_rounds
    fitted = clear.fit(blocks, label, spec, spec.tolerance, most, start=start, watch=watch)
    return fitted.weights[1:]


def _at_the_shared_level(
    spec: Regression, own: Table, theirs: Sequence[Quantised], watch: Watch
) -> list[Floats]:
    """Train in fixed rounds; returns the coefficients of the passive parties.

    Residuals are exact here; the level approximates them, by as much as its result says.
    """
    ours = scaling.fit(own).with_ones(own.features)
    alone, quantised = train_pooled(own, spec), radix.quantise(ours, spec.feature_bits)
    loss = Loss(families.likelihood(spec), scaling.label(own, spec))
    curvature = loss.curvature(quantised.values() @ alone.weights + loss.offset)
    blocks = [Coefficients(quantised, spec, curvature, free=1)]
    blocks[0].restore({"weights": alone.weights})
    blocks += [Coefficients(each, spec, curvature) for each in theirs]
    integers = [each.columns.integers().T for each in blocks]
    for _ in range(spec.sharing.rounds):
        residual = loss.residual(sum((each.share() for each in blocks), loss.offset))
        watch(residual)
        whole = np.rint(np.ldexp(residual, _BITS)).astype(np.int64)
        products = [
            each.products(x @ whole, _BITS) for each, x in zip(blocks, integers, strict=True)
        ]
        for each in blocks:
            each.move(np.sum(products, axis=0))
    return [each.weights for each in blocks[1:]]
