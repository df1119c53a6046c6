"""The places of an index, which grow part by part."""

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.kernels import index as kernels
from isthmus.paramserver.kernels.index import PARTS, Parts
from isthmus.paramserver.window import Keys

_LOAD = 0.8
_GROWTH = 1.25
_FIRST = 16
_GOLDEN = 0.6180339887


class Index:
    """Open addressing in PARTS parts.

    Their first sizes differ, and each grows by a quarter: so few of them grow at the same time, and
    memory grows evenly.
    """

    def __init__(self) -> None:
        """Make an empty index."""
        sizes = _FIRST * _GROWTH ** ((np.arange(PARTS) * _GOLDEN) % 1)
        self.parts = Parts(
            np.zeros(PARTS, np.int64), np.zeros(PARTS, np.int64), np.zeros(PARTS, np.int64)
        )
        self._sizes = sizes
        places = np.zeros(PARTS * int(_FIRST * _GROWTH), np.uint64)
        self._places: list[NDArray[np.uint64]] = list(places.reshape(PARTS, -1))
        self.bytes = places.nbytes
        for part, size in enumerate(sizes):
            self._set(part, self._places[part][: int(size)])

    def __len__(self) -> int:
        return int(self.parts.used.sum())

    def reserve(self, keys: Keys) -> None:
        """Make room for keys that are not yet in the index."""
        counts = np.zeros(PARTS, np.int64)
        kernels.count_parts(keys.feature, keys.id, counts)
        for part in np.flatnonzero(self.parts.used + counts > _LOAD * self.parts.capacities):
            self._grow(int(part), int(self.parts.used[part] + counts[part]))

    def _grow(self, part: int, keys: int) -> None:
        while int(self._sizes[part]) * _LOAD < keys:
            self._sizes[part] *= _GROWTH
        before, capacity = self._places[part], int(self.parts.capacities[part])
        places = np.zeros(int(self._sizes[part]), np.uint64)
        kernels.rehash(before.ctypes.data, capacity, places.ctypes.data, len(places))
        self.bytes += 8 * (len(places) - capacity)
        self._set(part, places)

    def _set(self, part: int, places: NDArray[np.uint64]) -> None:
        self._places[part] = places
        self.parts.addresses[part] = places.ctypes.data
        self.parts.capacities[part] = len(places)
