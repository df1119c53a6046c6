"""Standardises the columns of a party, which keeps the scaling and sends nothing of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.horizontal.parameters import Vector, single


@dataclass(frozen=True)
class Scaling:
    """Mean and deviation of each column of rows of numbers."""

    mean: Vector
    deviation: Vector
    """> 0: 1 where a column is constant."""

    @classmethod
    def of(cls, rows: NDArray[np.float32]) -> "Scaling":
        """The scaling after which these rows have mean 0 and deviation 1, column by column."""
        exact = rows.astype(np.float64)
        mean, deviation = exact.mean(axis=0), exact.std(axis=0)
        constant = deviation <= _PRECISION * np.abs(mean)
        return cls(single(mean), single(np.where(constant, 1, deviation)))

    def apply(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows on the common scale, shape (rows, columns)."""
        return (rows - self.mean) / self.deviation


_PRECISION = 1e-7  # of a mean in single precision
