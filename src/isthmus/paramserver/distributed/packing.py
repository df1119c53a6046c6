"""Messages between processes: arrays and numbers alone, in tuples.

A tuple has the fields of its class in their order. The classes of batches are not known here: an
actor is told their name.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.window import Keys, Pull, Push, Rows, Window

T = TypeVar("T")

Packed: TypeAlias = Any
"""An array, an int, a bool, or a tuple of them."""


def pack(value: Any) -> Packed:
    """Take a dataclass apart.

    Args:
        value: A dataclass of arrays, ints, bools, and sequences and dataclasses of them.

    Returns:
        Tuples.

    Raises:
        TypeError: It holds something else.
    """
    if is_dataclass(value):
        return tuple(pack(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, list | tuple):
        return tuple(pack(each) for each in cast(Sequence[Any], value))
    plain = isinstance(value, np.ndarray) and not cast(NDArray[Any], value).dtype.hasobject
    if not (plain or isinstance(value, int)):
        raise TypeError(f"{type(cast(Any, value))} is no array of numbers")
    return cast(Packed, value)


def window(packed: Packed, batch: type[Any]) -> Window:
    """Put a window together.

    Args:
        packed: Its tuple.
        batch: The class of its batches.

    Returns:
        The window.
    """
    number, keys, occurrences, batches = _own(packed)
    return Window(number, Keys(*keys), occurrences, [batch(*each) for each in batches])


def pull(packed: Packed) -> Pull:
    """Returns the pull of a tuple."""
    number, keys, occurrences = _own(packed)
    return Pull(number, Keys(*keys), occurrences)


def rows(packed: Packed) -> Rows:
    """Returns the rows of a tuple."""
    return Rows(*_own(packed))


def push(packed: Packed) -> Push:
    """Returns the push of a tuple."""
    number, keys, *rest = _own(packed)
    return Push(number, Keys(*keys), *rest)


def _own(packed: T) -> T:
    """Copy all arrays: one of shared memory cannot be written to, and is a type apart in numba."""
    if isinstance(packed, tuple):
        return cast(T, tuple(_own(each) for each in cast(tuple[Any, ...], packed)))
    if isinstance(packed, np.ndarray):
        return cast(T, np.array(cast(NDArray[Any], packed)))
    return packed
