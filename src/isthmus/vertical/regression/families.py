"""Families of regression: distributions of a label given the predictor. No network, no keys.

A family says what label is expected, and what a row loses: its negative log-likelihood, without
terms that no coefficient changes. A row's residual is the derivative of its loss by its predictor.
Every loss is convex in the predictor, so training has one optimum (McCullagh & Nelder 1989).

| family      | label          | mean m    | loss of a row                       | residual        |
|-------------|----------------|-----------|-------------------------------------|-----------------|
| binomial    | 0 or 1         | expit p   | log(1 + e^p) - y p                  | m - y           |
| gaussian    | a number       | p         | (p - y)^2 / 2                       | m - y           |
| multinomial | 0 to K - 1     | softmax p | log sum_k e^p_k - p_y               | m_k - [y = k]   |
| poisson     | a count        | e^p       | m - y p                             | m - y           |
| gamma       | above 0        | e^p       | y / m + p                           | 1 - y / m       |
| tweedie     | 0 or above     | e^p       | m^(2-q) / (2-q) - y m^(1-q) / (1-q) | m^(1-q) (m - y) |

A family has one output per row, and then all arrays have the shape (rows,), or, if it is
multinomial, one for each class: (rows, classes). Coefficients are of shape (columns,) or (columns,
classes), and a party's products with its columns are the same expression in both cases. Of several
outputs one is not worth sending: see `without_last` and `against_last`.
"""

from dataclasses import dataclass
from typing import Protocol, assert_never

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.vertical.regression.log_families import (
    HIGHEST,
    Gamma,
    Poisson,
    Tweedie,
    exp,
    refuse_outside,
)
from isthmus.vertical.regression.spec import Family, LinearModel

_LEAST_MEAN = 2.0**-53  # of labels of 0 and 1: where the others hardly count


class Likelihood(Protocol):
    """A family as functions of arrays."""

    @property
    def outputs(self) -> tuple[int, ...]:
        """Shape of the outputs of a row: () for one number, (classes,) for several."""
        ...

    @property
    def curvature_bound(self) -> float | None:
        """Upper bound of the second derivative of a row's loss; None if it has none."""
        ...

    def check(self, label: Floats) -> None:
        """Refuse labels outside the family.

        Args:
            label: Shape (rows,).

        Raises:
            SpecError: There are some; the sentence says how many, and what to do.
        """
        ...

    def mean(self, predictor: Floats) -> Floats:
        """Returns the expected label, or the probability of each class, for each row."""
        ...

    def losses(self, predictor: Floats, label: Floats) -> Floats:
        """Returns the loss of each row, shape (rows,)."""
        ...

    def residual(self, predictor: Floats, label: Floats) -> Floats:
        """Returns the derivative of each row's loss by its predictor, of the predictor's shape."""
        ...

    def curvature(self, predictor: Floats) -> Floats:
        """Returns the expected second derivative (Fisher) by each predictor, of its shape."""
        ...

    def constant(self, label: Floats, weight: Floats, offset: Floats) -> Floats:
        """Returns about the best predictor that is the same for all rows, of shape `outputs`."""
        ...


def likelihood(spec: LinearModel) -> Likelihood:
    """Returns the family that a job names."""
    match spec.family:
        case "binomial":
            return Binomial()
        case "gaussian":
            return Gaussian()
        case "multinomial":
            return Multinomial(spec.classes)
        case "poisson":
            return Poisson()
        case "gamma":
            return Gamma()
        case "tweedie":
            return Tweedie(spec.tweedie_power)
        case _:
            assert_never(spec.family)


@dataclass(frozen=True)
class Binomial:
    """Two classes: the predictor is the log-odds of the label 1."""

    outputs: tuple[int, ...] = ()
    curvature_bound: float | None = 0.25

    def check(self, label: Floats) -> None:
        """Refuse labels other than 0 and 1."""
        refuse_outside(
            ~np.isin(label, (0.0, 1.0)),
            "other than 0 and 1",
            "Code them as 0 and 1, or set `family`: multinomial takes several classes, gaussian "
            "numbers",
        )

    def mean(self, predictor: Floats) -> Floats:
        """Returns probabilities of the label 1."""
        return _expit(predictor)

    def losses(self, predictor: Floats, label: Floats) -> Floats:
        """Returns the loss of each row."""
        return np.logaddexp(0, predictor) - label * predictor

    def residual(self, predictor: Floats, label: Floats) -> Floats:
        """Returns mean minus label."""
        return _expit(predictor) - label

    def curvature(self, predictor: Floats) -> Floats:
        """Returns the variance of each label."""
        mean = _expit(predictor)
        return mean * (1 - mean)

    def constant(self, label: Floats, weight: Floats, offset: Floats) -> Floats:
        """Returns the log-odds of the mean label, less the mean offset."""
        mean = np.clip(np.average(label, weights=weight), _LEAST_MEAN, 1 - _LEAST_MEAN)
        odds = np.log(mean) - np.log1p(-mean)
        return np.asarray(odds - np.average(offset, weights=weight))


@dataclass(frozen=True)
class Gaussian:
    """A number whose mean is the predictor."""

    outputs: tuple[int, ...] = ()
    curvature_bound: float | None = 1.0

    def check(self, label: Floats) -> None:
        """Refuse labels that are not finite."""
        refuse_outside(~np.isfinite(label), "empty or infinite", "Leave these rows out")

    def mean(self, predictor: Floats) -> Floats:
        """Returns the predictor."""
        return predictor

    def losses(self, predictor: Floats, label: Floats) -> Floats:
        """Returns the loss of each row."""
        return (predictor - label) ** 2 / 2

    def residual(self, predictor: Floats, label: Floats) -> Floats:
        """Returns mean minus label."""
        return predictor - label

    def curvature(self, predictor: Floats) -> Floats:
        """Returns 1 for each row."""
        return np.ones_like(predictor)

    def constant(self, label: Floats, weight: Floats, offset: Floats) -> Floats:
        """Returns the mean label without its offset."""
        return np.asarray(np.average(label - offset, weights=weight))


@dataclass(frozen=True)
class Multinomial:
    """Several classes: the predictors are the logarithms of their odds, up to a number per row.

    The coefficients of all classes are symmetric, as in scikit-learn: a penalty treats all alike.
    """

    classes: int

    @property
    def outputs(self) -> tuple[int, ...]:
        """One for each class."""
        return (self.classes,)

    @property
    def curvature_bound(self) -> float | None:
        """The Hessian of a row is at most half the identity, on predictors that sum to zero.

        Source:
            Boehning 1992, "Multinomial logistic regression algorithm".
        """
        return 0.5

    def check(self, label: Floats) -> None:
        """Refuse labels that are no class."""
        refuse_outside(
            ~np.isin(label, np.arange(self.classes)),
            f"other than 0, 1, ... {self.classes - 1}",
            "Number the classes from 0, and set `classes` to how many there are",
        )

    def mean(self, predictor: Floats) -> Floats:
        """Returns the probability of each class, shape (rows, classes)."""
        odds = np.exp(predictor - predictor.max(axis=1, keepdims=True))
        probabilities: Floats = odds / odds.sum(axis=1, keepdims=True)
        return probabilities

    def losses(self, predictor: Floats, label: Floats) -> Floats:
        """Returns the loss of each row."""
        most: Floats = predictor.max(axis=1)
        totals: Floats = np.exp(predictor - most[:, np.newaxis]).sum(axis=1)
        at_label: Floats = predictor[np.arange(len(label)), label.astype(np.intp)]
        return most + np.log(totals) - at_label

    def residual(self, predictor: Floats, label: Floats) -> Floats:
        """Returns probabilities minus 1 at the label, shape (rows, classes); rows sum to zero."""
        probabilities = self.mean(predictor)
        probabilities[np.arange(len(label)), label.astype(np.intp)] -= 1
        return probabilities

    def curvature(self, predictor: Floats) -> Floats:
        """Returns the variance of being of each class."""
        mean = self.mean(predictor)
        return mean * (1 - mean)

    def constant(self, label: Floats, weight: Floats, offset: Floats) -> Floats:  # noqa: ARG002
        """Returns logarithms of the shares of the classes."""
        shares = np.bincount(label.astype(np.intp), weight, self.classes) / np.sum(weight)
        logarithms: Floats = np.log(np.maximum(shares, np.exp(-HIGHEST)))
        return logarithms - np.mean(logarithms)


def mean(family: Family, predictor: Floats) -> Floats:
    """Returns the expected label, or the probability of each class, for each row."""
    match family:
        case "binomial":
            return Binomial().mean(predictor)
        case "gaussian":
            return predictor
        case "multinomial":
            return Multinomial(predictor.shape[1]).mean(predictor)
        case "poisson" | "gamma" | "tweedie":
            return exp(predictor)
        case _:
            assert_never(family)


def without_last(residual: Floats) -> Floats:
    """Leave out the last output, which is minus the sum of the others; one alone is kept.

    Residuals of all classes sum to zero in each row, so the last tells a reader nothing new.
    """
    return residual[:, :-1] if residual.ndim > 1 else residual


def with_last(sums: Floats) -> Floats:
    """Returns products of columns with residuals `without_last`, with the last output again."""
    return np.hstack([sums, -sums.sum(axis=1, keepdims=True)]) if sums.ndim > 1 else sums


def against_last(predictor: Floats) -> Floats:
    """Returns what tells the classes apart: each predictor minus the last; one alone is kept."""
    return predictor[:, :-1] - predictor[:, -1:] if predictor.ndim > 1 else predictor


def with_zero(contrasts: Floats) -> Floats:
    """Returns predictors with the same expected labels as those `against_last` was given."""
    return np.pad(contrasts, ((0, 0), (0, 1))) if contrasts.ndim > 1 else contrasts


def residual_limit(residual: Floats) -> float:
    """Returns the power of two that no residual may exceed in training, for its fixed point.

    The line search keeps to it (`objective.Loss.step_length`). That is no restriction for classes,
    whose residuals are below 1, and hardly one for others: eight times the largest at the start is
    far from the optimum.

    Args:
        residual: Weighted residuals at the start of training, as `objective.Loss` computes them.

    Returns:
        The limit, above zero.
    """
    return float(2.0 ** (3 + np.ceil(np.log2(max(float(np.abs(residual).max()), 2.0**-40)))))


def _expit(predictor: Floats) -> Floats:
    # Neither end overflows, and small probabilities keep all of their digits.
    probability: Floats = np.exp(-np.logaddexp(0.0, -predictor))
    return probability
