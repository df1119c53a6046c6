"""The reward of an actor-critic: a power of the accuracy gained."""

import math

from isthmus.core.arrays import Floats

_SPREAD = 0.01  # of accuracy: candidates closer together than this are told apart less and less


def reward(after: Floats, before: float, growth: float) -> Floats:
    """Reward of weights by what they do to accuracy.

    Args:
        after: B, accuracy with each candidate's weights, shape (candidates,).
        before: A, accuracy without them.
        growth: g, >= 1; the larger, the more a gain is worth than a loss of the same size costs.

    Returns:
        g^(B-A), shape (candidates,): 1 where nothing changed.

    Source:
        US12373737B2 (S6), the reward r = g^(B-A). On what A and B are measured is ours: on the
        master's own samples.
    """
    rewards: Floats = growth ** (after - before)
    return rewards


def standardised(rewards: Floats, growth: float) -> Floats:
    """Rewards of one round, comparable with those of another.

    Rounds differ by far more than the candidates of a round do: late ones gain little.

    Args:
        rewards: Of the candidates of one round, shape (candidates,).
        growth: g of the rewards.

    Returns:
        Mean 0 and deviation below 1, near 0 where candidates hardly differ, shape (candidates,).
    """
    scale = float(rewards.std()) + _SPREAD * math.log(growth)
    centred: Floats = rewards - rewards.mean()
    return centred / scale if scale else centred
