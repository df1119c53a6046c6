"""Families of counts and amounts, whose predictor is the logarithm of their mean."""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Bools, Floats
from isthmus.core.errors import SpecError

HIGHEST = 300.0
"""Where a logarithm of the mean is cut: sums of its exponentials over any rows stay finite."""

_LARGEST = 1e18  # of a label: a mean beyond it leaves nothing of the others' digits


@dataclass(frozen=True)
class Poisson:
    """A count whose mean is the exponential of the predictor."""

    outputs: tuple[int, ...] = ()
    curvature_bound: float | None = None

    def check(self, label: Floats) -> None:
        """Refuse labels below zero."""
        _refuse_below_zero(label)

    def mean(self, predictor: Floats) -> Floats:
        """Returns expected counts."""
        return exp(predictor)

    def losses(self, predictor: Floats, label: Floats) -> Floats:
        """Returns the loss of each row."""
        return exp(predictor) - label * predictor

    def residual(self, predictor: Floats, label: Floats) -> Floats:
        """Returns mean minus label."""
        return exp(predictor) - label

    def curvature(self, predictor: Floats) -> Floats:
        """Returns the mean, which is the variance."""
        return exp(predictor)

    def constant(self, label: Floats, weight: Floats, offset: Floats) -> Floats:
        """Returns the logarithm of the mean label by exposure."""
        return _log_mean(label, weight, offset)


@dataclass(frozen=True)
class Gamma:
    """An amount whose mean is the exponential of the predictor, and its deviation a share of it."""

    outputs: tuple[int, ...] = ()
    curvature_bound: float | None = None

    def check(self, label: Floats) -> None:
        """Refuse labels that are not above zero."""
        refuse_outside(
            ~(np.isfinite(label) & (label > 0)),
            "0 or less, or infinite",
            "Train on the rows with an amount, or set `family` to tweedie, which takes 0",
        )
        _refuse_beyond(label)

    def mean(self, predictor: Floats) -> Floats:
        """Returns expected amounts."""
        return exp(predictor)

    def losses(self, predictor: Floats, label: Floats) -> Floats:
        """Returns the loss of each row."""
        return label * exp(-predictor) + predictor

    def residual(self, predictor: Floats, label: Floats) -> Floats:
        """Returns 1 minus label by mean."""
        return 1 - label * exp(-predictor)

    def curvature(self, predictor: Floats) -> Floats:
        """Returns 1 for each row."""
        return np.ones_like(predictor)

    def constant(self, label: Floats, weight: Floats, offset: Floats) -> Floats:
        """Returns the logarithm of the mean label by exposure."""
        return _log_mean(label, weight, offset)


@dataclass(frozen=True)
class Tweedie:
    """An amount that is often zero: the variance is a power between 1 and 2 of the mean."""

    power: float
    outputs: tuple[int, ...] = ()
    curvature_bound: float | None = None

    def check(self, label: Floats) -> None:
        """Refuse labels below zero."""
        _refuse_below_zero(label)

    def mean(self, predictor: Floats) -> Floats:
        """Returns expected amounts."""
        return exp(predictor)

    def losses(self, predictor: Floats, label: Floats) -> Floats:
        """Returns the loss of each row."""
        above, below = 2 - self.power, 1 - self.power
        return exp(above * predictor) / above - label * exp(below * predictor) / below

    def residual(self, predictor: Floats, label: Floats) -> Floats:
        """Returns mean minus label, each divided by a power of the mean."""
        return exp((2 - self.power) * predictor) - label * exp((1 - self.power) * predictor)

    def curvature(self, predictor: Floats) -> Floats:
        """Returns a power of the mean."""
        return exp((2 - self.power) * predictor)

    def constant(self, label: Floats, weight: Floats, offset: Floats) -> Floats:
        """Returns the logarithm of the mean label by exposure."""
        return _log_mean(label, weight, offset)


def _log_mean(label: Floats, weight: Floats, offset: Floats) -> Floats:
    total = max(float(weight @ label), np.exp(-HIGHEST))
    return np.asarray(np.log(total) - np.log(weight @ exp(offset)))


def exp(exponent: Floats) -> Floats:
    """Returns exponentials, cut where sums of them would overflow."""
    grown: Floats = np.exp(np.minimum(exponent, HIGHEST))
    return grown


def _refuse_below_zero(label: Floats) -> None:
    refuse_outside(
        ~(np.isfinite(label) & (label >= 0)),
        "below 0 or infinite",
        "Correct them, or set `family` to gaussian, which takes any number",
    )
    _refuse_beyond(label)


def _refuse_beyond(label: Floats) -> None:
    refuse_outside(label > _LARGEST, f"beyond {_LARGEST:.0e}", "Take larger units")


def refuse_outside(outside: Bools, are: str, advice: str) -> None:
    """Refuse labels outside a family.

    Args:
        outside: Which they are, shape (rows,).
        are: What they are.
        advice: What to do.

    Raises:
        SpecError: There are some.
    """
    if outside.any():
        raise SpecError(
            f"{int(outside.sum()):,} of {len(outside):,} labels are {are}, which this family does "
            f"not know. {advice}."
        )
