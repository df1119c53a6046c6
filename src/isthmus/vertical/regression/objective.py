"""The mathematics of generalised linear models: no network, no keys, no other party.

The loss is the mean over rows of the negative log-likelihood plus `penalty / 2` times the squared
coefficients, on standardised columns, intercept free. With the columns split between parties, the
linear predictor is the sum of their partial linear predictors, and a party's gradient needs only
its own columns and everyone's residual.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, special

from isthmus.core.arrays import Floats
from isthmus.vertical.regression.spec import Link

CURVATURE: dict[Link, float] = {"logit": 0.25, "identity": 1.0}
"""Largest second derivative of a row's loss by its predictor (Boehning & Lindsay 1988)."""

RESIDUAL_LIMIT: dict[Link, float] = {"logit": 1.0, "identity": 256.0}
"""Largest residual that is encrypted: that of a probability, or 256 deviations of the label."""


@dataclass(frozen=True)
class Line:
    """What the L2 penalty does along a line of coefficients."""

    slope: float
    """Its derivative where the line starts."""

    curvature: float
    """Its second derivative."""


def mean(link: Link, predictor: Floats) -> Floats:
    """Expected label given the linear predictor."""
    return special.expit(predictor) if link == "logit" else predictor


def residual(link: Link, predictor: Floats, label: Floats) -> Floats:
    """Prediction minus label: derivative of each row's loss by its predictor."""
    return mean(link, predictor) - label


def loss(link: Link, predictor: Floats, label: Floats) -> float:
    """Mean negative log-likelihood of the rows, without the penalty."""
    if link == "logit":
        return float(np.mean(np.logaddexp(0, predictor) - label * predictor))
    return float(np.mean((predictor - label) ** 2) / 2)


def gradient(x: Floats, residual: Floats, weights: Floats, penalty: Floats) -> Floats:
    """Gradient of the penalised loss by one party's coefficients.

    Args:
        x: Standardised columns of this party, shape (rows, columns).
        residual: Prediction minus label, shape (rows,).
        weights: Coefficients, shape (columns,).
        penalty: L2 strength of each coefficient, shape (columns,).

    Returns:
        Shape (columns,), in loss units per unit of coefficient.

    Source:
        US12056582B2 (S1), the gradient step; our reading: docs/systems/s1.md.
    """
    return x.T @ residual / len(residual) + penalty * weights


class Preconditioner:
    """Solves with an upper bound of one party's own block of the Hessian.

    Correlation among a party's own columns costs no rounds then: only what the parties' columns
    share is left to the iteration. The bound needs no other party: Boehning & Lindsay 1988.
    """

    def __init__(self, x: Floats, penalty: Floats, link: Link) -> None:
        gram = CURVATURE[link] * (x.T @ x) / len(x)
        # A trace of ridge keeps linearly dependent columns solvable; it moves no optimum.
        ridge = penalty + 1e-9 * np.trace(gram) / len(gram)
        self._factor = linalg.cho_factor(gram + np.diag(ridge))

    def __call__(self, gradient: Floats) -> Floats:
        """The gradient, preconditioned; shape (columns,)."""
        solved: Floats = linalg.cho_solve(self._factor, gradient)
        return solved


def step_length(
    link: Link, predictor: Floats, slope: Floats, label: Floats, penalty: Line
) -> float:
    """Length of the step that minimises the penalised loss along a line, exactly.

    The predictor is linear in the coefficients, so the party with the labels can search the line
    by itself, once it knows how the predictor moves along it.

    Args:
        link: The link.
        predictor: Linear predictor at the start, shape (rows,).
        slope: Its change per unit of step, shape (rows,).
        label: Labels, shape (rows,).
        penalty: Slope and curvature of the penalty along the line, all parties together.

    Returns:
        The length, >= 0; 0 where no step lowers the loss.
    """

    def derivative(length: float) -> float:
        moved = residual(link, predictor + length * slope, label)
        return float(moved @ slope / len(label)) + penalty.slope + length * penalty.curvature

    if derivative(0.0) >= 0:
        return 0.0
    longest = 1.0
    while derivative(longest) < 0 and longest < 2**20:
        longest *= 2
    if derivative(longest) < 0:  # separable and unpenalised: the loss falls for ever
        return longest
    return float(optimize.brentq(derivative, 0.0, longest, xtol=1e-10))
