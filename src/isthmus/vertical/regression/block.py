"""One party's columns in the joint optimisation; see `objective.py` for the method.

Neither network nor keys: the roles exchange what these functions take and return.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from scipy import linalg

from isthmus.core.arrays import Bools, Floats
from isthmus.core.errors import JobError
from isthmus.vertical.regression.objective import LENGTHS, Line
from isthmus.vertical.regression.spec import LinearModel

_MOST_SWEEPS = 10_000
_SLACK = 1e-9
_FARTHEST = 1e30  # of a direction: squares of it, and of what it leads to, stay finite


class Packed(Protocol):
    """Standardised columns in fewer bytes than an array of floats: all products are the same."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> Self: ...

    def __matmul__(self, coefficients: Floats, /) -> Floats: ...

    def values(self) -> Floats:
        """Returns the array."""
        ...


ColumnsT = TypeVar("ColumnsT", Floats, Packed)


@dataclass(frozen=True)
class Penalty:
    """Strengths of the penalty of each coefficient, shape (columns, 1) or (columns,)."""

    l1: Floats
    l2: Floats

    def gradient(self, weights: Floats) -> Floats:
        """Returns the gradient of the L2 part."""
        return self.l2 * weights

    def along(self, weights: Floats, direction: Floats) -> Line:
        """Returns the penalty along a direction."""
        slope = float(np.sum(self.l2 * weights * direction))
        curvature = float(np.sum(self.l2 * direction**2))
        if not self.l1.any():
            return Line(slope, curvature)
        pieces = pairwise(LENGTHS.tolist())
        grown = [np.sum(self.l1 * _growth(weights, direction, *piece)) for piece in pieces]
        return Line(slope, curvature, np.array(grown))

    def __call__(self, weights: Floats) -> float:
        """Returns the penalty of coefficients."""
        return float(np.sum(self.l1 * np.abs(weights) + self.l2 * weights**2 / 2))


def _growth(weights: Floats, direction: Floats, begin: float, end: float) -> Floats:
    # Of the magnitude of each coefficient, per unit of length; exact where none changes its sign.
    first, last = weights + begin * direction, weights + end * direction
    across: Floats = (np.abs(last) - np.abs(first)) / (end - begin)
    return np.where(first * last > 0, np.sign(last) * direction, across)


def penalty(spec: LinearModel, columns: int, outputs: tuple[int, ...], free: int = 0) -> Penalty:
    """Returns the penalty of one party's coefficients.

    Args:
        spec: Strength, and share of L1.
        columns: Number of coefficients, for each output.
        outputs: Shape of the outputs.
        free: How many coefficients, the last ones, have no penalty: 1 for an intercept.

    Returns:
        The strengths.
    """
    strength = np.full((columns, *(1 for _ in outputs)), spec.penalty)
    strength[columns - free :] = 0.0
    return Penalty(spec.l1_ratio * strength, (1 - spec.l1_ratio) * strength)


class Block(Generic[ColumnsT]):
    """The coefficients of one party's own columns, and how they move in a round."""

    def __init__(
        self, x: ColumnsT, penalty: Penalty, outputs: tuple[int, ...], curvature: float
    ) -> None:
        """Start at coefficients of zero.

        Args:
            x: Standardised columns of this party, shape (rows, columns).
            penalty: Strengths of the penalty.
            outputs: Shape of the outputs of a row.
            curvature: What `Loss.curvature` says at the start, the same for all parties.
        """
        self.x: ColumnsT = x
        self.weights: Floats = np.zeros((x.shape[1], *outputs))
        self._direction: Floats = np.zeros_like(self.weights)
        self._step: Floats = np.zeros_like(self.weights)
        self._penalty = penalty
        gram = curvature * _gram(x) / len(x)
        # A tiny ridge makes linearly dependent columns solvable; it does not change the optimum.
        ridge = penalty.l2.reshape(len(gram)) + 1e-9 * np.trace(gram) / len(gram)
        self._hessian = gram + np.diag(ridge)
        self._factor = linalg.cho_factor(self._hessian)

    @property
    def state(self) -> dict[str, Floats]:
        """All that changes in a round."""
        return {"weights": self.weights, "direction": self._direction, "step": self._step}

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on from a state; one with weights only is a start."""
        self.weights = state["weights"]
        self._direction = state.get("direction", np.zeros_like(self.weights))
        self._step = state.get("step", np.zeros_like(self.weights))

    def gradient(self: "Block[Floats]", residual: Floats) -> Floats:
        """Returns the mean products of our columns and the residuals of all rows.

        Args:
            residual: Weighted residuals, shape (rows,) or (rows, classes).

        Returns:
            The gradient of the loss, of the shape of the coefficients.

        Source:
            US12056582B2 (S1), the gradient step; our reading: docs/systems/s1.md.
        """
        return self.x.T @ residual / len(residual)

    def propose(self, gradient: Floats) -> tuple[float, float]:
        """Find the step that we would make if the other parties made none.

        Args:
            gradient: That of the loss by our coefficients.

        Returns:
            The square of the step, and its product with the last one, both measured by our model
            of the Hessian: those of all parties add up.
        """
        last, full = self._step, gradient + self._penalty.gradient(self.weights)
        if self._penalty.l1.any():
            self._step = _proximal(self._hessian, full, self.weights, self._penalty.l1)
        else:
            self._step = -linalg.cho_solve(self._factor, full)
        curved = self._hessian @ self._step
        return float(np.sum(self._step * curved)), float(np.sum(last * curved))

    def turn(self, conjugacy: float) -> Floats:
        """Choose the direction of this round.

        Args:
            conjugacy: The share of the last direction in it.

        Returns:
            How our share of each row's predictor changes along it.

        Raises:
            JobError: It is beyond all sense.
        """
        self._direction = self._step + conjugacy * np.where(self._moving, self._direction, 0.0)
        if not (np.abs(self._direction) < _FARTHEST).all():
            raise JobError(
                "the training runs away: a step of a coefficient of a standardised column is "
                f"beyond {_FARTHEST:.0e}. Agree on a higher `penalty`, or compare "
                "`isthmus version` on all sides."
            )
        slope: Floats = self.x @ self._direction
        return slope

    @property
    def _moving(self) -> Bools:
        # Coefficients that neither leave zero, nor reach it, nor stay there: the L1 penalty is
        # linear in them.
        aim = self.weights + self._step
        moving: Bools = (self._penalty.l1 == 0) | (self.weights * aim > 0)
        return moving

    def along(self) -> Line:
        """Returns our penalty along the direction."""
        return self._penalty.along(self.weights, self._direction)

    def move(self, length: float) -> None:
        """Make a step of this length along the direction."""
        self.weights = self.weights + length * self._direction

    def settle(self) -> Floats:
        """Make the proposed step as it is, once training has converged: the last one.

        Returns:
            How our share of each row's predictor changes.
        """
        self.weights = self.weights + self._step
        slope: Floats = self.x @ self._step
        return slope


def _gram(x: Floats | Packed) -> Floats:
    # Of packed columns, all values are in memory meanwhile: blocks of them would round otherwise.
    values: Floats = x if isinstance(x, np.ndarray) else x.values()
    gram: Floats = values.T @ values
    return gram


def _proximal(hessian: Floats, gradient: Floats, weights: Floats, l1: Floats) -> Floats:
    """Minimise a quadratic model plus the L1 penalty.

    Args:
        hessian: Shape (columns, columns).
        gradient: At `weights`, of their shape.
        weights: Shape (columns,) or (columns, classes).
        l1: Strengths, shape (columns,) or (columns, 1).

    Returns:
        The step from `weights` to the minimum.
    """
    if weights.ndim == 1:
        return _lasso(hessian, gradient, weights, l1)
    classes = zip(gradient.T, weights.T, strict=True)
    return np.column_stack([_lasso(hessian, g, w, l1[:, 0]) for g, w in classes])


def _lasso(hessian: Floats, gradient: Floats, weights: Floats, l1: Floats) -> Floats:
    # Sweeps over the coordinates (Friedman et al. 2010) find out which coefficients are zero; with
    # that, the others follow from linear equations. More sweeps, as long as these disagree.
    step, sweeps = np.zeros_like(weights), 4
    while sweeps < _MOST_SWEEPS:
        step = _swept(hessian, gradient, weights, l1, step, sweeps)
        solved = _solved(hessian, gradient, weights, l1, np.sign(weights + step))
        if solved is not None:
            return solved
        sweeps *= 2
    return step


def _swept(
    hessian: Floats, gradient: Floats, weights: Floats, l1: Floats, step: Floats, sweeps: int
) -> Floats:
    step, curvature = step.copy(), np.diag(hessian)
    slope = gradient + hessian @ step
    for _ in range(sweeps):
        for column in range(len(step)):
            now = weights[column] + step[column]
            aim, least = now - slope[column] / curvature[column], l1[column] / curvature[column]
            change = np.copysign(max(abs(aim) - least, 0.0), aim) - now
            if change:
                # Exactly minus the coefficient where it becomes zero.
                moved = -weights[column] if now + change == 0 else step[column] + change
                step[column] = moved
                slope += change * hessian[:, column]
    return step


def _solved(
    hessian: Floats, gradient: Floats, weights: Floats, l1: Floats, signs: Floats
) -> Floats | None:
    # The step, if the coefficients have these signs at the minimum; None if they do not.
    free, step = (signs != 0) | (l1 == 0), -weights
    pull = -(gradient + l1 * signs + hessian[:, ~free] @ step[~free])
    if free.any():
        step[free] = linalg.solve(hessian[np.ix_(free, free)], pull[free], assume_a="pos")
    agree = np.sign(weights + step)[free & (l1 > 0)] == signs[free & (l1 > 0)]
    slope = np.abs(gradient + hessian @ step)
    return step if agree.all() and (slope <= l1 * (1 + _SLACK))[~free].all() else None
