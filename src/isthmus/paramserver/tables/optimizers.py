"""Columns of a row: its value, and what its optimizer remembers of it.

| optimizer       | columns after the value                         | sums                |
|-----------------|-------------------------------------------------|---------------------|
| sgd             | none                                            |                     |
| adagrad         | sum of squared gradients, one per number        | all                 |
| rowwise_adagrad | sum of the mean squared gradient, one           | all                 |
| adam            | two means, each one per number; number of steps | the number of steps |
| ftrl            | z and n of the paper, each one per number       | none                |

Changes of a sum by several workers add up; all else is averaged. FTRL computes its value from z and
n, so the two are averaged alike, though n is a sum: else the value of a merged row would jump.
"""

from dataclasses import dataclass, field

import numpy as np

from isthmus.paramserver.spec import Adagrad, Adam, Ftrl, Optimizer, RowwiseAdagrad, Sgd
from isthmus.paramserver.tables.kernels import hashing, updating
from isthmus.paramserver.tables.kernels.updating import Rule
from isthmus.paramserver.window import DEFAULT, Bools, Float32s, Keys


@dataclass(frozen=True)
class Layout:
    """Columns of a row."""

    dimension: int
    """Numbers that are the value."""

    optimizer: Optimizer
    scale: float = field(default=0.01, kw_only=True)
    """First values lie evenly between this and its negative."""

    @property
    def state(self) -> int:
        """Number of columns after the value."""
        match self.optimizer:
            case Sgd():
                return 0
            case Adagrad():
                return self.dimension
            case RowwiseAdagrad():
                return 1
            case Adam():
                return 2 * self.dimension + 1
            case Ftrl():
                return 2 * self.dimension

    @property
    def width(self) -> int:
        """Number of all columns."""
        return self.dimension + self.state

    @property
    def sums(self) -> Bools:
        """Which columns are sums, shape (width,): changes of several workers add up in these."""
        chosen = np.zeros(self.width, np.bool_)
        match self.optimizer:
            case Adagrad() | RowwiseAdagrad():
                chosen[self.dimension :] = True
            case Adam():
                chosen[-1] = True
            case Sgd() | Ftrl():
                pass
        return chosen

    @property
    def rule(self) -> Rule:
        """The optimizer as its kernel takes it."""
        match self.optimizer:
            case Sgd(rate=rate):
                return Rule(updating.SGD, (rate, 0, 0, 0))
            case Adagrad(rate=rate):
                return Rule(updating.ADAGRAD, (rate, 0, 0, 0))
            case RowwiseAdagrad(rate=rate):
                return Rule(updating.ROWWISE_ADAGRAD, (rate, 0, 0, 0))
            case Adam(rate=rate, first_decay=first, second_decay=second):
                return Rule(updating.ADAM, (rate, first, second, 0))
            case Ftrl(rate=rate, beta=beta, l1=l1, l2=l2):
                return Rule(updating.FTRL, (rate, beta, l1, l2))

    def first(self, keys: Keys, seed: int) -> Float32s:
        """Make rows that no batch has trained yet.

        Args:
            keys: Their keys; those of DEFAULT get zeros.
            seed: The job's seed.

        Returns:
            Shape (keys, width).
        """
        values = hashing.draw(keys, seed, self.dimension, self.scale)
        values[keys.id == DEFAULT] = 0
        return self.begin(values)

    def begin(self, values: Float32s) -> Float32s:
        """Returns rows of these values, shape (rows, dimension), with the optimizer's first state.

        The dense numbers are such rows of dimension 1, transposed.
        """
        rows = np.zeros((len(values), self.width), np.float32)
        rows[:, : self.dimension] = values
        match self.optimizer:
            case Adagrad(initial=initial) | RowwiseAdagrad(initial=initial):
                rows[:, self.dimension :] = initial
            case Ftrl(rate=rate, beta=beta, l1=l1, l2=l2):
                # The z from which the value follows.
                z = -(values * np.float32(beta / rate + l2) + np.sign(values) * np.float32(l1))
                rows[:, self.dimension : 2 * self.dimension] = z
            case Sgd() | Adam():
                pass
        return rows
