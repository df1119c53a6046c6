"""The values of a grown tree's leaves."""

import secrets

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees.grow import Growth
from isthmus.vertical.boosting.trees.objective import median
from isthmus.vertical.boosting.trees.source import Sample
from isthmus.vertical.boosting.trees.split import Range, leaf

MAX_DERIVATIVES = {"binary": (1.0, 0.25), "multiclass": (1.0, 0.5)}
"""Largest gradient and hessian of any row, for any label and score."""


def newton(growth: Growth, sample: Sample, spec: Boosting) -> Floats:
    """Returns the values that minimise the second-order loss, shape (nodes,)."""
    g, h = sample.units.real(growth.totals)
    return leaf(g, h, spec.l2, Range(growth.low, growth.high))


def medians(growth: Growth, sample: Sample, residual: Floats) -> Floats:
    """Returns the values that minimise the absolute error, which has no second derivative.

    Args:
        growth: The grown tree.
        sample: Rows, gradients and codes of the tree.
        residual: Label minus score of each sampled row, shape (sampled,).

    Returns:
        Shape (nodes,); 0 at inner nodes.
    """
    node = growth.node[sample.rows]
    value = np.zeros(len(growth.code))
    for number in np.unique(node).tolist():
        inside = node == number
        value[number] = median(residual[inside], sample.weight[inside])
    return np.clip(value, growth.low, growth.high)


def private(growth: Growth, sample: Sample, spec: Boosting) -> Floats:
    """Returns the values of `newton` under differential privacy.

    A row is in one leaf of a tree, and adds at most `MAX_DERIVATIVES` to its two sums. Laplace
    noise of scale 2 / epsilon times that on each sum makes everything computed from both sums
    epsilon-differentially private, for adding or removing one row, for all leaves of the tree
    together; n trees have n epsilon. Not protected: which splits were chosen, the base score, and
    when training stopped.

    Args:
        growth: The grown tree.
        sample: Rows (each once), gradients and codes of the tree; `MAX_DERIVATIVES` must fit its
            units.
        spec: The `[boosting]` table, with penalty and epsilon.

    Returns:
        Shape (nodes,).

    Source:
        Dwork & Roth 2014, theorems 3.6 (Laplace), 3.16 (composition).
    """
    g, h = sample.units.real(growth.totals + _noise(growth, sample, spec))
    return leaf(g, np.maximum(h, 0.0), spec.l2, Range(growth.low, growth.high))


def _noise(growth: Growth, sample: Sample, spec: Boosting) -> Integers:
    # Noise in whole units, as are the sums: floating-point noise could reveal the sums
    # (Mironov 2012).
    random = secrets.SystemRandom()
    units = (sample.units.g, sample.units.h)
    rates = [
        spec.leaf_epsilon * unit / (2 * top)
        for unit, top in zip(units, MAX_DERIVATIVES[spec.objective], strict=True)
    ]
    return np.array(
        [
            [round(random.expovariate(rate) - random.expovariate(rate)) for _ in growth.code]
            for rate in rates
        ]
    )
