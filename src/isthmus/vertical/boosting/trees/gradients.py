"""Fixed-point encoding of gradients, so that sums are exact in any order.

A number x becomes the integer nearest to x / u, where the unit u is the power of two that makes the
largest of a tree's magnitudes at most 2^p - 1 (p: `precision`). Then

1. *a sum fits its field*: a sum over any of n rows has magnitude at most n (2^p - 1)
   < 2^(p + ceil(log2 n)) = 2^(w - 1), so it is a signed integer of w = p + ceil(log2 n) + 1 bits;
2. *float64 adds it exactly*: every partial sum is below 2^(w - 1), and `encode` refuses w > 54;
3. *a unit is exact*: multiplying by a power of two rounds nothing.

Only the active party knows the units; a passive party needs only w.
"""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import JobError

_WIDEST = 54
"""Most bits of a sum that float64 represents exactly, with its sign."""

_LEAST_EXPONENT = -1000
"""Smallest exponent of a unit: float64 cannot represent much smaller powers of two."""


@dataclass(frozen=True)
class Units:
    """The value of one unit of the integer gradients and hessians."""

    g: float
    h: float

    def real(self, sums: Integers) -> tuple[Floats, Floats]:
        """Convert integer sums of shape (2, ...) to real sums of g and of h."""
        return sums[0] * self.g, sums[1] * self.h


@dataclass(frozen=True)
class Encoded:
    """Gradients and hessians of a tree's rows in fixed point."""

    values: Integers
    """g and h, shape (2, rows)."""

    units: Units


def width(rows: int, precision: int) -> int:
    """Returns the bits of a signed sum over a number of rows."""
    return precision + (rows - 1).bit_length() + 1


def encode(g: Floats, h: Floats, precision: int, room: tuple[float, float] = (0.0, 0.0)) -> Encoded:
    """Encode a tree's gradients and hessians as integers.

    Args:
        g: Gradient of each row, shape (rows,).
        h: Hessian of each row, same shape.
        precision: Bits of the largest integer, without its sign.
        room: Magnitudes of g and h that must fit, even if no row has them: then the units do not
            depend on the rows, and reveal nothing of them.

    Returns:
        The integers and their units.

    Raises:
        JobError: Sums over this number of rows would not be exact, or a gradient is not finite.
    """
    if width(len(g), precision) > _WIDEST:
        raise JobError(
            f"{len(g)} rows at `boosting.precision` {precision} need sums of more than "
            f"{_WIDEST} bits. Choose a lower precision."
        )
    if not (np.isfinite(g).all() and np.isfinite(h).all()):
        raise JobError(
            "a gradient is too large for a number: lower `boosting.learning_rate`, or look for "
            "extreme labels."
        )
    unit_g, unit_h = (
        _unit(max(float(np.abs(values).max(initial=0.0)), least), precision)
        for values, least in zip((g, h), room, strict=True)
    )
    integers = np.stack([np.rint(g / unit_g), np.rint(h / unit_h)]).astype(np.int64)
    return Encoded(integers, Units(unit_g, unit_h))


def _unit(largest: float, precision: int) -> float:
    if largest == 0.0:
        return 1.0
    exponent = max(int(np.frexp(largest)[1]) - precision, _LEAST_EXPONENT)
    unit = 2.0**exponent  # largest / unit <= 2^p
    return unit if np.rint(largest / unit) < 2**precision else 2 * unit
