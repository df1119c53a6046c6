"""Fixed-point encoding of real numbers whose sums of products cannot overflow.

A residual is an integer of magnitude at most 2^r, a feature one below 2^f, so a sum over n rows is
below n 2^(f+r). `Bounds` gives residuals the largest r with n 2^(f+r) <= 2^s, where n is rounded up
to a power of two: every sum is within (-2^s, 2^s). s is 62, or what the scheme has room for.

Few bits are left where rows are many, and rows that are alike have the same residual. Rounded to
the nearest integer, all would be off by the same, and so would a gradient. So row i is rounded up
where its fraction is above a threshold of its own, which follows from the golden ratio times i.
Thresholds are spread evenly over any run of rows, so sums are nearly right whatever repeats.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats, Integers

_SUM_BITS = 62
_GOLDEN = (5**0.5 - 1) / 2
_BLOCK = 2**14  # rows at a time


@dataclass(frozen=True)
class Bounds:
    """Bounds of the integers in a sum over rows of feature times residual.

    Attributes:
        rows: Number of rows of a sum, in all blocks together.
        feature_bits: Integer features lie within (-2^feature_bits, 2^feature_bits).
        limit: Largest magnitude of a residual, a power of two.
        sum_bits: Every sum is within two to this power of zero.
    """

    rows: int
    feature_bits: int
    limit: float
    sum_bits: int = _SUM_BITS

    def __post_init__(self) -> None:
        """Refuse bounds that leave no bits for residuals.

        Raises:
            ValueError: `limit` is not a power of two, or rows and features leave too few bits.
        """
        if self.limit <= 0 or np.frexp(self.limit)[0] != 0.5:  # noqa: PLR2004 - the mantissa
            raise ValueError(f"a limit of {self.limit} is not a power of two")
        if self.rows < 1 or self.residual_bits < 1:
            raise ValueError(
                f"{self.rows} rows of {self.feature_bits}-bit features leave no bits for residuals"
            )

    @property
    def residual_bits(self) -> int:
        """Bits of an integer residual: its magnitude is at most two to this power."""
        return self.sum_bits - self.feature_bits - (self.rows - 1).bit_length()

    def integers(self, residuals: Floats) -> Integers:
        """Encode residuals as integers to encrypt.

        Args:
            residuals: Of magnitude at most `limit`, shape (rows,) or (rows, outputs).

        Returns:
            The residuals in units of `limit / 2**residual_bits`, rounded up or down.

        Raises:
            ValueError: A residual is beyond the limit, or NaN.
        """
        found = np.empty(residuals.shape, np.int64)
        for start in range(0, len(residuals), _BLOCK):
            block = residuals[start : start + _BLOCK]
            if not (np.abs(block) <= self.limit).all():
                raise ValueError(
                    f"a residual is not within {self.limit:g} of zero: look for extreme labels"
                )
            shifts = np.arange(start, start + len(block)) * _GOLDEN % 1.0
            shifts = shifts.reshape(-1, *[1] * (residuals.ndim - 1))
            found[start : start + _BLOCK] = np.floor(block / self._unit + shifts)
        return found

    def decode(self, sums: Sequence[int] | Integers) -> Floats:
        """Convert sums of integer feature times residual to units of residuals."""
        return np.array(sums, np.float64) * self._unit

    @property
    def _unit(self) -> float:
        return self.limit / float(1 << self.residual_bits)
