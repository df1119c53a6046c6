"""Weighted sums of updates, and the weights that need no look at the updates themselves."""

import math

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import JobError
from isthmus.horizontal.fusion.spec import WeightCaps
from isthmus.horizontal.parameters import Updates, Vector, single

_PRECISION = 1e-5  # of a softmax in single precision
_ROUNDING = 1e-9
_TINY = 1e-12  # what a weight of zero counts for when weight has to go somewhere


def weighted_sum(updates: Updates, weights: Floats) -> Vector:
    """Sum of the updates, each times its weight.

    It is the only thing that a rule without `Need.EACH_UPDATE` computes from the updates, so
    secure aggregation can compute it in the master's place.

    Args:
        updates: One row per child, shape (children, size).
        weights: Weight of each child, shape (children,).

    Returns:
        Shape (size,); summed in double precision, and the same however many threads there are.
    """
    total: Floats = np.einsum("i,ij->j", weights, updates)
    return single(total)


def count_weights(counts: Integers) -> Floats:
    """Weights by number of samples: the fused update is then the mean over all samples.

    Args:
        counts: Samples that each child trained on, >= 1, shape (children,).

    Returns:
        Shape (children,), sum 1.

    Source:
        FedAvg: McMahan et al. 2017 (AISTATS), algorithm 1; US12229667B2 (S3), the weight of a
        child from its number of samples.
    """
    weights: Floats = counts / counts.sum()
    return weights


def uniform_weights(children: int) -> Floats:
    """Equal weights, shape (children,), sum 1."""
    return np.full(children, 1 / children)


def chosen_weights(weights: Floats, caps: WeightCaps | None) -> Floats:
    """Weights that an actor-critic chose, within the caps of the job.

    Args:
        weights: One per child of the round, shape (children,).
        caps: Bounds under secure aggregation; none without.

    Returns:
        The weights to fuse with, shape (children,), sum 1.

    Raises:
        JobError: There are too few children for any weights to be within the caps.
        ValueError: These are no weights: below 0, not finite, or their sum is not 1.

    Source:
        US12373737B2 (S6): gradients are combined by the probabilities of their nodes.
    """
    if not ((weights >= 0).all() and abs(weights.sum() - 1) < _PRECISION):
        raise ValueError("an actor-critic chose weights that are no probabilities of sum 1")
    return capped(weights, caps) if caps else weights / weights.sum()


def capped(weights: Floats, caps: WeightCaps) -> Floats:
    """The nearest weights that do not give one child away in their sum.

    Weight above the cap goes to the other children in proportion to what they have, which is the
    nearest in Kullback-Leibler divergence. If the weights are still concentrated, they move towards
    equal ones, no further than needed.

    Args:
        weights: >= 0, sum 1, shape (children,).
        caps: The largest weight, and the least effective number of children.

    Returns:
        Shape (children,), sum 1.

    Raises:
        JobError: There are too few children for any weights to be within the caps.

    Source:
        Ours, for S6 under secure aggregation: docs/systems/s6.md. The effective number is Kish's
        effective sample size (Kish 1965, Survey Sampling).
    """
    children = len(weights)
    if children < least_under(caps):
        raise JobError(
            f"{children} children take part in a round, and `caps` of the fusion rule need "
            f"{least_under(caps)}. Raise the quorum of a round, or loosen `caps`."
        )
    under = _share_excess(np.maximum(weights, _TINY), caps.largest)
    return _spread(under, caps.effective_children)


def least_under(caps: WeightCaps) -> int:
    """The fewest children whose weights can be within the caps."""
    return int(np.ceil(max(1 / caps.largest, caps.effective_children) - _ROUNDING))


def _share_excess(weights: Floats, largest: float) -> Floats:
    # With the k heaviest at the cap, the others are scaled by `scale[k]` to fill what is left;
    # the first k for which none of those exceeds the cap is the solution.
    heaviest_first = np.sort(weights)[::-1]
    left = 1 - largest * np.arange(len(weights))
    scale = left / np.cumsum(heaviest_first[::-1])[::-1]
    fits = heaviest_first * scale <= largest * (1 + _ROUNDING)
    shared: Floats = np.minimum(weights * scale[np.argmax(fits)], largest)
    return shared


def _spread(weights: Floats, effective: float) -> Floats:
    # Along the line to equal weights, the sum of squares is 1 / n + share^2 (now - 1 / n).
    equal = 1 / len(weights)
    concentration = float(weights @ weights)
    if concentration * effective <= 1 + _ROUNDING:
        return weights
    share = math.sqrt(max(1 / effective - equal, 0.0) / (concentration - equal))
    return equal + share * (weights - equal)
