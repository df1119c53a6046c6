"""Optimisers of the master, for which the mean update is what a gradient is for others."""

from dataclasses import dataclass

import numpy as np

from isthmus.horizontal.fusion.spec import FedAdam, FedAvgM, FedYogi
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.parameters import Vector, single


@dataclass(frozen=True)
class Momentum(State):
    """The state of FedAvgM."""

    momentum: Vector
    """Sum of the mean updates, older ones less, shape (size,)."""


@dataclass(frozen=True)
class Moments(State):
    """The state of FedAdam and FedYogi."""

    first: Vector
    """Running mean of the mean update, shape (size,)."""

    second: Vector
    """Running mean of its square, > 0, shape (size,)."""


def no_momentum(size: int) -> Momentum:
    """Returns the momentum before the first round."""
    return Momentum(np.zeros(size, np.float32))


def first_moments(size: int, adaptivity: float) -> Moments:
    """Returns the moments before the first round; the second is adaptivity squared (paper)."""
    return Moments(np.zeros(size, np.float32), np.full(size, adaptivity**2, np.float32))


def fedavgm(mean: Vector, state: Momentum, rule: FedAvgM) -> tuple[Vector, Momentum]:
    """Step of the master with momentum.

    Args:
        mean: Mean update of the round by sample count, shape (size,).
        state: From the round before.
        rule: Momentum and step.

    Returns:
        The update to add, shape (size,), and the state for the next round.

    Source:
        Hsu, Qi, Brown 2019, arXiv 1909.06335.
    """
    momentum = rule.momentum * state.momentum + mean
    return single(rule.step * momentum), Momentum(single(momentum))


def fedadam(mean: Vector, state: Moments, rule: FedAdam) -> tuple[Vector, Moments]:
    """Step of the master by Adam, without bias correction.

    Args:
        mean: Mean update of the round by sample count, shape (size,).
        state: From the round before.
        rule: Decays, adaptivity and step.

    Returns:
        The update to add, shape (size,), and the state for the next round.

    Source:
        Reddi et al. 2021 (ICLR), Adaptive Federated Optimization, algorithm 2, FedAdam.
    """
    second = rule.second_decay * state.second + (1 - rule.second_decay) * mean**2
    return _adaptive(mean, state.first, single(second), rule)


def fedyogi(mean: Vector, state: Moments, rule: FedYogi) -> tuple[Vector, Moments]:
    """Step of the master by Yogi: the second moment moves by the square, whatever it was.

    Args:
        mean: Mean update of the round by sample count, shape (size,).
        state: From the round before.
        rule: Decays, adaptivity and step.

    Returns:
        The update to add, shape (size,), and the state for the next round.

    Source:
        Reddi et al. 2021 (ICLR), Adaptive Federated Optimization, algorithm 2, FedYogi.
    """
    square = mean**2
    change = (1 - rule.second_decay) * square * np.sign(state.second - square)
    return _adaptive(mean, state.first, single(state.second - change), rule)


def _adaptive(
    mean: Vector, last: Vector, second: Vector, rule: FedAdam | FedYogi
) -> tuple[Vector, Moments]:
    first = rule.first_decay * last + (1 - rule.first_decay) * mean
    update = rule.step * first / (np.sqrt(second) + rule.adaptivity)
    return single(update), Moments(single(first), second)
