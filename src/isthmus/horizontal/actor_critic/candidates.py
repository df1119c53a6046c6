"""Scores of candidate weights on the master's samples, before any are applied."""

import numpy as np
from scipy import special

from isthmus.core.arrays import Floats
from isthmus.horizontal.fusion.spec import ActorCritic
from isthmus.horizontal.fusion.weigher import Judge, Scores
from isthmus.horizontal.parameters import Updates, single

_AT_ONCE = 2**26  # numbers in the fused updates that are judged together: 256 MiB


def scored(judge: Judge, updates: Updates, weights: Floats) -> Scores:
    """Scores of the updates fused by each of several weights.

    Args:
        judge: Scores updates.
        updates: One row per child, shape (children, size).
        weights: One row per candidate, shape (candidates, children).

    Returns:
        Scores of each candidate.
    """
    rows = max(1, _AT_ONCE // updates.shape[1])
    parts = [
        judge(single(weights[start : start + rows]) @ updates)
        for start in range(0, len(weights), rows)
    ]
    return Scores(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def accuracies(scores: Scores, rule: ActorCritic) -> Floats:
    """Returns the accuracy of each candidate, A or B of the reward, in the measure of the job."""
    return np.exp(-scores.loss) if rule.measure == "likelihood" else scores.accuracy


def prices(weights: Floats, prior: Floats, rule: ActorCritic) -> Floats:
    """The price of weights: their Kullback-Leibler divergence from those by sample count, scaled.

    Args:
        weights: Shape (candidates, children).
        prior: Shape (children,).
        rule: With the price of a unit of divergence.

    Returns:
        In units of accuracy, shape (candidates,).
    """
    divergences: Floats = special.rel_entr(weights, prior).sum(axis=1)
    return rule.prior_strength * divergences


def moved(prior: Floats, moves: Floats) -> Floats:
    """Returns prior weights with their logarithms moved; each row sums to 1."""
    weights: Floats = special.softmax(np.log(prior) + moves, axis=-1)
    return weights
