"""Quasi-Newton steps from inner products of each party's own blocks.

The coefficients are split between parties, and so are gradient and steps. L-BFGS (Liu & Nocedal
1989) makes its direction from inner products alone, and an inner product is the sum of those of the
blocks: so each party tells its own products, and computes its own block of the direction (Chen et
al. 2014, "Large-scale L-BFGS using MapReduce"). Every block is preconditioned by its owner's bound
of the Hessian. There is no line search: a party would have to show its predictor for it.

All that a round shows is `products`. Of its `SHOWN` numbers, `NEW` do not follow from those of
earlier rounds: the new gradient with itself, with the gradients before, and with the steps.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from isthmus.core.arrays import Floats

MEMORY = 3
"""Pairs of step and change of gradient that a direction is made of."""

_GRADIENTS = MEMORY + 1
SHOWN = _GRADIENTS * (_GRADIENTS + 1) // 2 + MEMORY * _GRADIENTS
NEW = 2 * MEMORY + 1

_FLAT = 1e-12
"""A pair with less curvature than this, relative to its lengths, is left out."""

Precondition = Callable[[Floats], Floats]


@dataclass(frozen=True)
class History:
    """One party's block of the newest gradients and steps, oldest first."""

    gradients: list[Floats] = field(default_factory=list[Floats])
    steps: list[Floats] = field(default_factory=list[Floats])

    def with_gradient(self, gradient: Floats) -> "History":
        """Returns the block with the gradient at the newest coefficients."""
        return replace(self, gradients=[*self.gradients, gradient][-_GRADIENTS:])

    def with_step(self, step: Floats) -> "History":
        """Returns the block with the step from the newest coefficients."""
        return replace(self, steps=[*self.steps, step][-MEMORY:])

    def products(self, precondition: Precondition) -> Floats:
        """Returns the inner products of this block that a round shows, shape (SHOWN,).

        Gradients with each other, preconditioned, and steps with gradients. The newest come last;
        what is not there yet counts as 0.
        """
        columns = len(self.gradients[-1])
        gradients = _filled(self.gradients, _GRADIENTS, columns)
        steps = _filled(self.steps, MEMORY, columns)
        solved = np.array([precondition(row) for row in gradients])
        upper = np.triu_indices(_GRADIENTS)
        return np.concatenate([(gradients @ solved.T)[upper], (steps @ gradients.T).ravel()])

    def direction(self, shown: Floats, precondition: Precondition) -> Floats:
        """Returns this block of the step, from the inner products of all parties, added up."""
        of_steps, of_gradients = coefficients(shown)
        columns = len(self.gradients[-1])
        along = of_gradients @ _filled(self.gradients, _GRADIENTS, columns)
        return precondition(along) + of_steps @ _filled(self.steps, MEMORY, columns)


def coefficients(shown: Floats) -> tuple[Floats, Floats]:
    """Compute the direction of L-BFGS in terms of steps and preconditioned gradients.

    Args:
        shown: `History.products` of all parties, added up, shape (SHOWN,).

    Returns:
        Coefficients of the steps, shape (MEMORY,), and of the preconditioned gradients, shape
        (MEMORY + 1,), oldest first.
    """
    upper = np.triu_indices(_GRADIENTS)
    square = np.zeros((_GRADIENTS, _GRADIENTS))
    square[upper] = shown[: len(upper[0])]
    square = square + np.triu(square, 1).T
    mixed = shown[len(upper[0]) :].reshape(MEMORY, _GRADIENTS)
    # Change of gradient j is gradient j + 1 less gradient j.
    change = np.eye(MEMORY, _GRADIENTS, 1) - np.eye(MEMORY, _GRADIENTS)
    lengths = np.einsum("jk,kl,jl->j", change, square, change)  # of the changes, preconditioned
    slopes = mixed @ change.T  # step i with change j
    usable = [j for j in range(MEMORY) if slopes[j, j] > _FLAT * max(lengths[j], 1e-300)]

    # The two loops; `along` are coefficients of gradients, `beside` of steps.
    along, beside, alphas = np.eye(_GRADIENTS)[-1], np.zeros(MEMORY), dict[int, float]()
    for j in reversed(usable):
        alphas[j] = float(mixed[j] @ along) / slopes[j, j]
        along = along - alphas[j] * change[j]
    if usable:
        newest = usable[-1]
        along = along * slopes[newest, newest] / lengths[newest]
    for j in usable:
        overlap = float(change[j] @ square @ along) + float(beside @ slopes[:, j])
        beside[j] += alphas[j] - overlap / slopes[j, j]
    return -beside, -along


def norm(shown: Floats) -> Floats:
    """Returns the norm of the newest gradient of all parties, preconditioned, shape ()."""
    last = _GRADIENTS * (_GRADIENTS + 1) // 2 - 1
    return np.array(np.sqrt(max(float(shown[last]), 0.0)))


def _filled(rows: list[Floats], count: int, columns: int) -> Floats:
    missing = np.zeros((count - len(rows), columns))
    return np.vstack([missing, *rows]) if rows else missing
