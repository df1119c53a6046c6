"""Label leakage: how well a passive party can tell classes apart from the gradients that it gets.

A gradient is a product of its columns and the residuals of all rows: linear equations about the
residuals, which say on which side of the prediction a label lies. The attack solves them by least
squares, which needs nothing but what the party has. Its success is measured as an AUC, beside that
of the party's own coefficients, which every joint model tells: what is above them is leaked.
"""

from collections.abc import Sequence

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.crypto import radix
from isthmus.data.table import Table
from isthmus.evaluation import classification
from isthmus.vertical.regression import clear, scaling
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Regression

ATTACK, OWN = "label_auc", "own_weights_auc"
"""Names of the two measures."""


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

    Args:
        spec: The `[regression]` table.
        trains: Training rows of each party; the active party comes first.

    Returns:
        Both measures, of the passive party that learns most beyond its own coefficients; none of
        labels that are not 0 and 1, nor where rows are in batches.
    """
    if spec.family != "binomial" or spec.batches > 1:
        return {}
    own, label = trains[0], scaling.label(trains[0], spec)
    alone = train_pooled(own, spec)
    theirs = [
        radix.quantise(scaling.fit(table)(table.features), spec.feature_bits).values()
        for table in trains[1:]
    ]
    seen: list[list[Floats]] = [[] for _ in theirs]

    def watch(residual: Floats) -> None:
        for columns, gradients in zip(theirs, seen, strict=True):
            gradients.append(columns.T @ residual)

    ours = scaling.fit(own)(own.features)
    start, most = alone.weights, spec.max_rounds
    fitted = clear.fit([ours, *theirs], label, spec, spec.tolerance, most, start=start, watch=watch)
    found = [
        {
            ATTACK: label_auc(columns, gradients, label.values),
            OWN: classification.auc(label.values, columns @ weights),
        }
        for columns, gradients, weights in zip(theirs, seen, fitted.weights[1:], strict=True)
    ]
    return max(found, key=lambda each: each[ATTACK] - each[OWN])
