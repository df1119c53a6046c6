"""Differential privacy of whole children, by noise that the master adds to what it publishes.

A child is protected in that the published parameters look much the same with its update and with
nothing in its place. The weights of children are not protected: they must not depend on updates,
other than through what was published.
"""

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.horizontal.parameters import Updates, Vector, single
from isthmus.horizontal.privacy.noise import gaussian
from isthmus.horizontal.privacy.secure_sum.masking import clipped
from isthmus.horizontal.privacy.spec import ChildLevel


def noised_mean(updates: Updates, weights: Floats, asked: ChildLevel) -> Vector:
    """The weighted mean of updates that are scaled down to a norm, plus noise.

    Args:
        updates: One row per child, shape (children, size).
        weights: Weight of each child, shape (children,), sum 1.
        asked: Norm and noise.

    Returns:
        Shape (size,).

    Source:
        DP-FedAvg: McMahan et al. 2018 (ICLR), algorithm 1, with all children in each round.
    """
    mean = np.zeros(updates.shape[1])
    for update, weight in zip(updates, weights, strict=True):
        mean += weight * clipped(update, asked.largest_norm)
    return noised(single(mean), float(weights.max()), asked)


def noised(mean: Vector, largest_weight: float, asked: ChildLevel) -> Vector:
    """Add noise to a weighted mean of updates within the norm.

    Args:
        mean: Shape (size,).
        largest_weight: The largest weight of one child in it.
        asked: Norm and noise.

    Returns:
        Shape (size,).
    """
    return single(mean + gaussian(len(mean), asked.noise * asked.largest_norm * largest_weight))
