"""Which shard holds which rows, and which part of the dense numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.tables.kernels.hashing import shard_of
from isthmus.paramserver.window import Keys, Pull, Window


def positions(keys: Keys, shards: int) -> Sequence[NDArray[np.intp]]:
    """Returns the positions of the keys of each shard, rising."""
    if shards == 1:
        return [np.arange(len(keys))]
    owner = shard_of(keys, shards)
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.cumsum(np.bincount(owner, minlength=shards))[:-1])


def pulls(window: Window, shards: int) -> Sequence[Pull]:
    """Returns the question of a window to each shard."""
    return [
        Pull(window.number, window.keys.take(chosen), window.occurrences[chosen])
        for chosen in positions(window.keys, shards)
    ]


def part(size: int, shards: int, number: int) -> slice:
    """Returns which of the dense numbers lie on a shard."""
    return slice(size * number // shards, size * (number + 1) // shards)


def size_of(*arrays: NDArray[Any]) -> int:
    """Returns the bytes of arrays."""
    return sum(array.nbytes for array in arrays)
