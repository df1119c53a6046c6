"""The coefficients of one party's own columns, and how they move in a round."""

from collections.abc import Mapping

import numpy as np
from scipy import linalg

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import JobError, SpecError
from isthmus.crypto.radix import Quantised
from isthmus.vertical.regression.block import penalty
from isthmus.vertical.regression.shared.descent import History
from isthmus.vertical.regression.spec import Regression

_FARTHEST = 1e6
_STEEPEST = 1e30  # of a gradient: inner products of it stay finite, and within messages
_RUNS_AWAY = (
    "the training runs away: {}. This level has no line search. Agree on a higher `penalty`, or on "
    'level = "encrypted", which has one.'
)


class Coefficients:
    """One party's columns, coefficients, and newest gradients and steps."""

    def __init__(
        self, columns: Quantised, spec: Regression, curvature: float, free: int = 0
    ) -> None:
        """Start at coefficients of zero.

        Args:
            columns: All columns of this party.
            spec: The `[regression]` table.
            curvature: What `objective.Loss.curvature` says at the start, the same for all parties.
            free: How many columns, the last ones, have no penalty: 1 for an intercept.
        """
        self.columns = columns
        self.x = columns.values()
        self.weights = np.zeros(self.x.shape[1])
        self._penalty = penalty(spec, self.x.shape[1], (), free).l2
        self._history = History()
        gram = curvature * (self.x.T @ self.x) / len(self.x)
        # A tiny ridge makes linearly dependent columns solvable; it does not change the optimum.
        ridge = self._penalty + 1e-9 * np.trace(gram) / len(gram)
        self._factor = linalg.cho_factor(gram + np.diag(ridge))

    @property
    def state(self) -> dict[str, Floats]:
        """All that changes in a round."""
        return {
            "weights": self.weights,
            "gradients": np.array(self._history.gradients),
            "steps": np.array(self._history.steps),
        }

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on from a state; one with weights only is a start.

        Args:
            state: What `state` returned, or weights alone.

        Raises:
            SpecError: It is of other columns, or damaged.
        """
        arrays = [state["weights"], *state.get("gradients", ()), *state.get("steps", ())]
        if any(each.shape != self.weights.shape or not np.isfinite(each).all() for each in arrays):
            raise SpecError(
                "the checkpoint of the run holds no coefficients of these columns: it was changed. "
                "Remove it to start from the beginning, here and at every other party."
            )
        self.weights = state["weights"]
        self._history = History(list(state.get("gradients", [])), list(state.get("steps", [])))

    def share(self) -> Floats:
        """Returns our share of each row's predictor, shape (rows,)."""
        return self.x @ self.weights

    def products(self, sums: Integers, bits: int) -> Floats:
        """Take in a gradient.

        Args:
            sums: Our integer columns times the residuals, shape (columns,).
            bits: After the point of the residuals.

        Returns:
            The inner products that the other parties need, see `descent.py`.

        Raises:
            JobError: It is beyond all sense.
        """
        loss = self.columns.steps * np.ldexp(sums.astype(np.float64), -bits) / len(self.x)
        if not (np.abs(loss) < _STEEPEST).all():
            raise JobError(_RUNS_AWAY.format(f"a gradient is beyond {_STEEPEST:.0e}"))
        self._history = self._history.with_gradient(loss + self._penalty * self.weights)
        return self._history.products(self._precondition)

    def move(self, shown: Floats) -> None:
        """Make the step that the inner products of all parties, added up, lead to.

        Args:
            shown: The inner products, shape (descent.SHOWN,).

        Raises:
            JobError: It leads to coefficients beyond all sense.
        """
        with np.errstate(all="ignore"):  # the result is checked
            step = self._history.direction(shown, self._precondition)
            self.weights = self.weights + step
        if not (np.abs(self.weights) < _FARTHEST).all():  # not a number, too
            found = f"a coefficient of a standardised column is beyond {_FARTHEST:.0e}"
            raise JobError(_RUNS_AWAY.format(found))
        self._history = self._history.with_step(step)

    def _precondition(self, gradient: Floats) -> Floats:
        solved: Floats = linalg.cho_solve(self._factor, gradient, check_finite=False)
        return solved
