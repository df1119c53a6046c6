"""The values of a grown tree's leaves."""

import secrets

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees.grow import Growth
from isthmus.vertical.boosting.trees.objective import median
from isthmus.vertical.boosting.trees.source import Sample
from isthmus.vertical.boosting.trees.split import Range, leaf

STEEPEST = {"binary": (1.0, 0.25), "multiclass": (1.0, 0.5)}
"""Largest gradient and hessian of a row, whatever its label and its score."""


def newton(growth: Growth, sample: Sample, spec: Boosting) -> Floats:
    """Values that minimise the second-order loss, shape (nodes,)."""
    g, h = sample.units.real(growth.totals)
    return leaf(g, h, spec.l2, Range(growth.low, growth.high))


def medians(growth: Growth, sample: Sample, residual: Floats) -> Floats:
    """Values that minimise the absolute error, which no second order describes.

    Args:
        growth: The grown tree.
        sample: What it was grown on.
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
    """Newton's values under differential privacy.

    A row is in one leaf of a tree, and adds at most `STEEPEST` to its two sums. Laplace noise of
    scale 2 / epsilon times that on each of them makes what is computed from both
    epsilon-differentially private, with regard to adding or removing one row, for all leaves of
    the tree together; n trees have n epsilon. Not protected: which splits were chosen, the base
    score, and when training stopped.

    Args:
        growth: The grown tree.
        sample: What it was grown on, each row once, in units that make room for `STEEPEST`.
        spec: Penalty and epsilon.

    Returns:
        Shape (nodes,).

    Source:
        Dwork & Roth 2014, theorems 3.6 (Laplace), 3.16 (composition).
    """
    g, h = sample.units.real(growth.totals + _noise(growth, sample, spec))
    return leaf(g, np.maximum(h, 0.0), spec.l2, Range(growth.low, growth.high))


def _noise(growth: Growth, sample: Sample, spec: Boosting) -> Integers:
    # Whole units, as the sums are: the gaps between floating-point numbers tell nothing then.
    chance = secrets.SystemRandom()
    units = (sample.units.g, sample.units.h)
    rates = [
        spec.leaf_epsilon * unit / (2 * top)
        for unit, top in zip(units, STEEPEST[spec.objective], strict=True)
    ]
    return np.array(
        [
            [round(chance.expovariate(rate) - chance.expovariate(rate)) for _ in growth.code]
            for rate in rates
        ]
    )
