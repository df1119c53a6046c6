"""Brings columns to one scale, by public ranges or by what a party's own samples hold.

A party sends nothing of its scaling. But inputs that are scaled by samples move together when one
of these is far from the others, which no noise on gradients covers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.horizontal.parameters import Vector, single


@dataclass(frozen=True)
class Scaling:
    """What each column of rows of numbers is scaled by."""

    mean: Vector
    deviation: Vector
    """> 0: 1 where a column is constant."""

    least: Vector | None = None
    """Values below are cut off; None: none are."""

    most: Vector | None = None
    """Values above are cut off; None: none are."""

    @classmethod
    def of(cls, rows: NDArray[np.float32]) -> "Scaling":
        """The scaling after which these rows have mean 0 and deviation 1, column by column."""
        exact = rows.astype(np.float64)
        mean, deviation = exact.mean(axis=0), exact.std(axis=0)
        constant = deviation <= _PRECISION * np.abs(mean)
        return cls(single(mean), single(np.where(constant, 1, deviation)))

    @classmethod
    def within(cls, ranges: Sequence[tuple[float, float]]) -> "Scaling":
        """The scaling of columns with known ranges, whatever the rows: it learns nothing of them.

        Args:
            ranges: Least and largest value of each column.

        Returns:
            The scaling after which values that are even over a range have mean 0 and deviation 1.
        """
        least, most = np.array(ranges, np.float64).T
        mean, deviation = single((least + most) / 2), single((most - least) / math.sqrt(12))
        return cls(mean, deviation, single(least), single(most))

    def apply(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows on the common scale, shape (rows, columns)."""
        if self.least is not None and self.most is not None:
            rows = np.clip(rows, self.least, self.most)
        return (rows - self.mean) / self.deviation


_PRECISION = 1e-7  # of a mean in single precision
