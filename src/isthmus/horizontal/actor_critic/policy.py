"""The networks of the mode `residual`: their inputs, and how moves become weights.

One network looks at every child, beside the mean of all: there may be any number of children, in
any order. The first axes of all tensors are free.
"""

import torch
from torch import Tensor

from isthmus.horizontal.actor_critic.networks import Perceptron
from isthmus.horizontal.actor_critic.statistics import FEATURES

REACH = 4.0
"""The largest move of the logarithm of a weight, up or down."""

_HIDDEN = 32

ACTOR = Perceptron(2 * FEATURES, 1, _HIDDEN)
VALUE = Perceptron(2 * FEATURES, 1, _HIDDEN)
"""The part of the critic that is linear in the weights."""

BEND = Perceptron(2 * FEATURES + 1, 1, _HIDDEN)
"""The part of the critic that is not."""


def beside_others(features: Tensor, present: Tensor) -> Tensor:
    """Features of each child and their mean over all that are present.

    Args:
        features: Shape (..., children, FEATURES), 0 for who is not present.
        present: Shape (..., children).

    Returns:
        Shape (..., children, 2 FEATURES).
    """
    mean = features.sum(-2, keepdim=True) / present.sum(-1)[..., None, None]
    return torch.cat([features, mean.expand_as(features)], -1)


def moves(actor: Tensor, seen: Tensor, last: Tensor) -> Tensor:
    """The actor's moves of the logarithm of each child's weight.

    Args:
        actor: Parameters of ACTOR.
        seen: Shape (..., children, 2 FEATURES).
        last: Moves of the round before, shape (..., children).

    Returns:
        Within REACH either way, shape (..., children).
    """
    return within_reach(last + ACTOR(actor, seen)[..., 0])


def within_reach(moves: Tensor) -> Tensor:
    """Returns moves limited to REACH; small ones hardly change."""
    return REACH * torch.tanh(moves / REACH)


def weights(prior: Tensor, moves: Tensor) -> Tensor:
    """Returns prior weights with their logarithms moved; 0 stays 0, sum 1."""
    return torch.softmax(prior.log() + moves, -1)


def value(critic: Tensor, seen: Tensor, present: Tensor, weights: Tensor) -> Tensor:
    """The reward of weights that the critic expects.

    Args:
        critic: Parameters of VALUE, then those of BEND.
        seen: Shape (..., children, 2 FEATURES).
        present: Shape (..., children).
        weights: Shape (..., children).

    Returns:
        Shape (...).
    """
    linear, bend = critic[: sum(VALUE.sizes)], critic[sum(VALUE.sizes) :]
    children = present.sum(-1, keepdim=True)
    relative = (weights * children - 1)[..., None]
    straight = (weights * VALUE(linear, seen)[..., 0]).sum(-1)
    bent = BEND(bend, torch.cat([seen, relative], -1))[..., 0] * present
    return straight + bent.sum(-1) / children[..., 0]
