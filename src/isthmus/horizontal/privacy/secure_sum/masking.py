"""Updates as whole numbers modulo 2^32, and the masks on them.

A child that is scaled to the largest norm of the job has no coordinate beyond it, and weights sum
to 1 at most. With 2^30 units to the largest norm, the sum of all children's units is therefore
within 2^30 plus half a unit per child, for rounding: below 2^31, so that it never wraps around. A
row of a table counts for the same at each child, 1 of all of them, for which the same holds. A
mean of `n` children that weigh `w` together is off by `n / 2w` units at most. (A million children,
more than any message here can name, round by 2^19 units together.)
"""

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats
from isthmus.crypto.keystream import keystream
from isthmus.horizontal.parameters import Vector, single

Words = NDArray[np.uint32]
"""Whole numbers modulo 2^32; those from 2^31 on stand for negative ones."""

TOLERANCE = 1e-6
"""By how much weights may sum to more than 1, for rounding."""

_UNITS = 2**30  # to the largest norm


def clipped(update: Vector, largest_norm: float) -> Floats:
    """An update, scaled down to a norm if it is longer, shape (size,)."""
    values = update.astype(np.float64)
    norm = float(np.sqrt(np.einsum("i,i->", values, values)))
    return values * min(1.0, largest_norm / norm) if norm else values


def to_words(update: Vector, weight: float | Floats, largest_norm: float) -> Words:
    """A weighted update in units.

    Args:
        update: Shape (size,), finite.
        weight: What the child counts for, 0 to 1; one for all numbers or one for each.
        largest_norm: Norm to which the update is scaled down before.

    Returns:
        Shape (size,), each rounded to the nearest.
    """
    units = clipped(update, largest_norm) * (weight * _UNITS / largest_norm)
    return np.rint(units).astype(np.int32).view(np.uint32)


def to_mean(total: Words, weight: float | Floats, largest_norm: float) -> Vector:
    """The weighted mean of updates from the sum of their words.

    Args:
        total: Shape (size,), modulo 2^32, without masks.
        weight: What all children in the sum count for together, > 0; one for all numbers or one
            for each.
        largest_norm: As it was for `to_words`.

    Returns:
        Shape (size,).
    """
    return single(total.view(np.int32) * (largest_norm / (_UNITS * weight)))


def mask(key: bytes, size: int) -> Words:
    """The mask that a key stands for, uniform to who does not know it, shape (size,)."""
    return np.frombuffer(keystream(key, 4 * size), "<u4").astype(np.uint32, copy=False)
