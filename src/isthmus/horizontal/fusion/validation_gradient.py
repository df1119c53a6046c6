"""Weights that lower the loss on the master's own samples, by gradient descent."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from isthmus.core.arrays import Floats
from isthmus.horizontal.fusion.averages import weighted_sum
from isthmus.horizontal.fusion.spec import ValidationGradient
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.parameters import Updates, Vector

LossGradient = Callable[[Vector], Vector]
"""From a fused update to the gradient of the validation loss, by the parameters, once the update is
added to them; both of shape (size,)."""


@dataclass(frozen=True)
class Logits(State):
    """The state of the rule: by how much the weight of each child is changed."""

    logits: Floats
    """Added to the logarithm of each child's prior weight, shape (known children,)."""


def no_logits() -> Logits:
    """Returns the logits before the first round; a child that is not known yet has 0."""
    return Logits(np.zeros(0))


def descend(
    updates: Updates,
    prior: Floats,
    logits: Floats,
    loss_gradient: LossGradient,
    rule: ValidationGradient,
) -> Floats:
    """Change logits of weights so that the loss of the fused model falls.

    The weights are softmax(log prior + logits). Each iteration is a step of fixed length down the
    gradient of the validation loss plus the divergence from the prior times its strength.

    Args:
        updates: One row per child, shape (children, size).
        prior: Weights by sample count, > 0, sum 1, shape (children,).
        logits: Where to start, shape (children,).
        loss_gradient: Gradient of the validation loss by the parameters; called once an iteration.
        rule: Iterations, step and strength of the prior.

    Returns:
        The changed logits, shape (children,).

    Source:
        After FedLAW, Li et al. 2023 (ICML), which learns weights on samples of the
        server; prior and step of fixed length are ours: docs/systems/s6.md.
    """
    for _ in range(rule.iterations):
        weights = softmax_weights(prior, logits)
        gradient = loss_gradient(weighted_sum(updates, weights))
        divergence = special.log_softmax(np.log(prior) + logits) - np.log(prior)
        by_weight = np.einsum("ij,j->i", updates, gradient, dtype=np.float64)
        by_weight += rule.prior_strength * divergence
        by_logit = weights * (by_weight - weights @ by_weight)
        length = float(np.linalg.norm(by_logit))
        if length == 0:  # no child differs from another
            return logits
        logits = logits - rule.step * by_logit / length
    return logits


def softmax_weights(prior: Floats, logits: Floats) -> Floats:
    """Returns the prior weights changed by logits, shape (children,), sum 1."""
    weights: Floats = special.softmax(np.log(prior) + logits)
    return weights
