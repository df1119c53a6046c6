"""The mathematics of joint training: no network, no keys, no other party.

The objective is the mean over rows of weight times loss (`families.py`), plus, on standardised
columns and without the intercept, `penalty` times r |w| + (1 - r) |w|^2 / 2, where r is `l1_ratio`.
With the columns split between parties, the linear predictor is the sum of their partial linear
predictors, and a party's gradient needs only its own columns and the residuals.

A round costs an encryption of all residuals, so the method must need few rounds. Each party solves
the problem on its own columns by itself (`Block.propose`), with a quadratic model of its own block
of the Hessian: correlation among a party's own columns costs no round, only correlation between
parties does. These steps of all parties are conjugated (Polak & Ribiere 1969), and the line search
along them is exact and needs no encryption (`Loss.step_length`). Without L1 this is the method of
preconditioned nonlinear conjugate gradients. With L1 a party's step is a proximal one; coefficients
that leave zero or reach it are left out of the conjugation; and the last step of all is a whole
one, which leaves those at zero that belong there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import optimize

from isthmus.core.arrays import Floats
from isthmus.vertical.regression.families import Binomial, Likelihood, Multinomial
from isthmus.vertical.regression.rows import blocks
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.spec import Regression

_LONGEST = 2.0**20

_BLOCK = 2**14
"""Rows at a time."""

LENGTHS = np.array([0, *np.arange(1, 9) / 8, 1.25, 1.5, *2.0 ** np.arange(1, 8), _LONGEST])
"""Lengths of a step between which a party bounds its L1 penalty from above, by straight lines."""


@dataclass(frozen=True)
class Line:
    """The penalty along a direction, of one party or of all together."""

    slope: float = 0.0
    """First derivative of the L2 part at the start."""

    curvature: float = 0.0
    """Second derivative of the L2 part."""

    absolute: Floats | None = None
    """How much the L1 part grows per unit of length, between each of `LENGTHS` and the next; None
    without L1."""

    def __add__(self, other: "Line") -> "Line":
        absolute = self.absolute
        if other.absolute is not None:
            absolute = other.absolute if absolute is None else absolute + other.absolute
        return Line(self.slope + other.slope, self.curvature + other.curvature, absolute)

    def pieces(self) -> list[tuple[float, float, float]]:
        """Returns begin, end and slope of the straight lines that bound the L1 part from above."""
        if self.absolute is None:
            return [(0.0, _LONGEST, 0.0)]
        ends = pairwise(LENGTHS.tolist())
        slopes = self.absolute.tolist()
        return [(begin, end, slope) for (begin, end), slope in zip(ends, slopes, strict=True)]


class Loss:
    """The mean loss of the training rows, as a function of the linear predictor of all parties."""

    def __init__(self, likelihood: Likelihood, label: Label) -> None:
        self.likelihood = likelihood
        self._label = label

    @property
    def weight(self) -> Floats:
        """What each row counts for, shape (rows,); the mean is 1."""
        return self._label.weight

    @property
    def offset(self) -> Floats:
        """Predictors without any column, of a shape that adds to those of the rows."""
        offset = self._label.offset
        return offset if not self.likelihood.outputs else offset[:, np.newaxis]

    def constant(self) -> Floats:
        """Returns about the best intercept of a model without columns."""
        label = self._label
        return self.likelihood.constant(label.values, label.weight, label.offset)

    def separated(self, predictor: Floats) -> bool:
        """Whether the columns tell the classes of all training rows apart, without an error.

        Then no finite coefficients are the best ones, unless a penalty holds them.

        Args:
            predictor: Shape (rows,) or (rows, classes).

        Returns:
            False for families of numbers, too.
        """
        match self.likelihood:
            case Binomial():
                return bool(np.all((predictor > 0) == (self._label.values > 0)))
            case Multinomial():
                return bool(np.all(np.argmax(predictor, axis=1) == self._label.values))
            case _:
                return False

    def __call__(self, predictor: Floats) -> float:
        """Returns the loss, without the penalty."""
        label = self._label

        def losses(rows: slice) -> Floats:
            return label.weight[rows] * self.likelihood.losses(predictor[rows], label.values[rows])

        return float(np.mean(_by_blocks(predictor.shape[:1], losses)))

    def residual(self, predictor: Floats) -> Floats:
        """Returns the derivative of each row's loss by its predictor, times its weight."""
        return _by_blocks(predictor.shape, lambda rows: self._residual(predictor[rows], rows))

    def _residual(self, predictor: Floats, rows: slice) -> Floats:
        label = self._label
        residual = self.likelihood.residual(predictor, label.values[rows])
        return _rowwise(label.weight[rows], residual) * residual

    def curvature(self, predictor: Floats) -> float:
        """Returns about how much the loss is curved, as a power of two: the scale of all blocks.

        It is the mean of the expected second derivatives. Every party needs it, and a power of two
        tells them hardly more than how rare the rarer label is.

        Args:
            predictor: Shape (rows,) or (rows, classes).

        Returns:
            A power of two.
        """
        found = self.likelihood.curvature(predictor)
        free = max(1, found[0].size - 1)  # predictors of a row that differ by a number are alike
        mean = float(np.sum(_rowwise(self._label.weight, found) * found)) / len(found) / free
        return float(2.0 ** np.rint(np.log2(max(mean, 2.0**-40))))

    def step_length(
        self, predictor: Floats, slope: Floats, penalty: Line, limit: float = np.inf
    ) -> float:
        """Exact line search: returns the length of the step that minimises the objective.

        The predictor is linear in the coefficients, so the active party can do the line search by
        itself, if it knows the change of the predictor along the direction.

        Args:
            predictor: Linear predictor at the start, shape (rows,) or (rows, classes).
            slope: Change of the predictor per unit of step, of the same shape.
            penalty: The penalty along the direction, summed over all parties.
            limit: No step leads to a residual that is larger than this.

        Returns:
            The length, >= 0; 0 if no step lowers the objective.
        """

        def residual(length: float, rows: slice) -> Floats:
            return self._residual(predictor[rows] + length * slope[rows], rows)

        def derivative(length: float) -> float:
            products = _by_blocks(slope.shape, lambda rows: residual(length, rows) * slope[rows])
            smooth = float(np.sum(products)) / len(slope)
            return smooth + penalty.slope + length * penalty.curvature

        def beyond(length: float) -> bool:
            every = blocks(0, len(slope), _BLOCK)
            return any(np.abs(residual(length, rows)).max() > limit for rows in every)

        length = _minimum(derivative, penalty)
        while length > 0 and beyond(length):
            length = length / 2 if length > 2.0**-40 else 0.0
        return length


def ending(
    spec: Regression, rounds: int, *, converged: bool, norm: float | None, separated: bool = False
) -> str:
    """Say how training ended, and what to do if it did not end well.

    Args:
        spec: The `[regression]` table.
        rounds: How many there were.
        converged: Whether the last steps were small enough.
        norm: Their norm; None where it is not known.
        separated: Whether the columns tell the classes of all training rows apart.

    Returns:
        The sentence, without a full stop.
    """
    if converged:
        found = f"converged after {rounds} rounds"
    else:
        far = "" if norm is None else f" (steps of {norm:.1g}, and `tolerance` is {spec.tolerance})"
        found = f"stopped after {rounds} rounds, not converged{far}"
    if separated:
        enough = max(_SEPARATED, 10 * spec.penalty)
        return (
            f"{found}: the columns tell the classes of all training rows apart without an error, "
            f"so that only the penalty keeps coefficients finite; try `penalty = {enough:g}`"
        )
    return found if converged else f"{found}: raise `max_rounds` or `penalty`"


_SEPARATED = 0.01
"""A penalty that keeps scores away from 0 and 1."""


def _minimum(derivative: Callable[[float], float], penalty: Line) -> float:
    for begin, end, absolute in penalty.pieces():
        if derivative(begin) >= -absolute:
            return begin
        if derivative(end) >= -absolute:
            return _root(derivative, -absolute, begin, end)
    return _LONGEST  # separable and without penalty: there is no minimum


def _root(derivative: Callable[[float], float], value: float, begin: float, end: float) -> float:
    # The bracket grows from its begin: at its far end, a loss may be too steep to interpolate.
    width = min(1.0, end - begin)
    while begin + width < end and derivative(begin + width) < value:
        width *= 2
    ends, held = (begin, min(begin + width, end)), [derivative]
    try:
        return float(optimize.brentq(lambda at: held[0](at) - value, *ends, xtol=1e-10))
    finally:
        held.clear()  # scipy leaves a cycle, which would keep arrays of all rows in every round


def _by_blocks(shape: tuple[int, ...], of: Callable[[slice], Floats]) -> Floats:
    # What a function says of all rows: it makes arrays of some rows at a time, and fewer misses of
    # the cache. Sums are over whole arrays, as numpy adds up parts in another order.
    found = np.empty(shape)
    for rows in blocks(0, shape[0], _BLOCK):
        found[rows] = of(rows)
    return found


def _rowwise(weight: Floats, values: Floats) -> Floats:
    return weight if values.ndim == 1 else weight[:, np.newaxis]
