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
from isthmus.vertical.regression.spec import Family

CURVATURE: dict[Family, float] = {"binomial": 0.25, "gaussian": 1.0}
"""Largest second derivative of a row's loss by its predictor (Boehning & Lindsay 1988)."""

RESIDUAL_LIMIT: dict[Family, float] = {"binomial": 1.0, "gaussian": 256.0}
"""Largest residual that is encrypted: 1 for probabilities, or 256 standard deviations."""


@dataclass(frozen=True)
class Line:
    """Derivatives of the L2 penalty along the direction of a line search."""

    slope: float
    """First derivative at the start."""

    curvature: float
    """Second derivative."""


def mean(family: Family, predictor: Floats) -> Floats:
    """Returns the expected label given the linear predictor."""
    return special.expit(predictor) if family == "binomial" else predictor


def residual(family: Family, predictor: Floats, label: Floats) -> Floats:
    """Returns prediction minus label, the derivative of each row's loss by its predictor."""
    return mean(family, predictor) - label


def loss(family: Family, predictor: Floats, label: Floats) -> float:
    """Returns the mean negative log-likelihood of the rows, without the penalty."""
    if family == "binomial":
        return float(np.mean(np.logaddexp(0, predictor) - label * predictor))
    return float(np.mean((predictor - label) ** 2) / 2)


def gradient(x: Floats, residual: Floats, weights: Floats, penalty: Floats) -> Floats:
    """Returns the gradient of the penalised loss by one party's coefficients.

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
    """Preconditioner by an upper bound of one party's own block of the Hessian.

    With it, correlation among a party's own columns needs no additional rounds; only correlation
    between parties does. The bound needs no other party: Boehning & Lindsay 1988.
    """

    def __init__(self, x: Floats, penalty: Floats, family: Family) -> None:
        gram = CURVATURE[family] * (x.T @ x) / len(x)
        # A tiny ridge makes linearly dependent columns solvable; it does not change the optimum.
        ridge = penalty + 1e-9 * np.trace(gram) / len(gram)
        self._factor = linalg.cho_factor(gram + np.diag(ridge))

    def __call__(self, gradient: Floats) -> Floats:
        """Returns the preconditioned gradient, shape (columns,)."""
        solved: Floats = linalg.cho_solve(self._factor, gradient)
        return solved


def step_length(
    family: Family, predictor: Floats, slope: Floats, label: Floats, penalty: Line
) -> float:
    """Exact line search: returns the length of the step that minimises the penalised loss.

    The predictor is linear in the coefficients, so the active party can do the line search by
    itself, if it knows the change of the predictor along the direction.

    Args:
        family: The family.
        predictor: Linear predictor at the start, shape (rows,).
        slope: Change of the predictor per unit of step, shape (rows,).
        label: Labels, shape (rows,).
        penalty: Derivatives of the penalty along the direction, summed over all parties.

    Returns:
        The length, >= 0; 0 if no step lowers the loss.
    """

    def derivative(length: float) -> float:
        moved = residual(family, predictor + length * slope, label)
        return float(moved @ slope / len(label)) + penalty.slope + length * penalty.curvature

    if derivative(0.0) >= 0:
        return 0.0
    longest = 1.0
    while derivative(longest) < 0 and longest < 2**20:
        longest *= 2
    if derivative(longest) < 0:  # separable and without penalty: there is no minimum
        return longest
    return float(optimize.brentq(derivative, 0.0, longest, xtol=1e-10))
