"""The places of an index, which grow part by part."""

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.tables import pages
from isthmus.paramserver.tables.kernels import index as kernels
from isthmus.paramserver.tables.kernels.index import PARTS, Parts
from isthmus.paramserver.window import Keys

_BUCKET = 8  # places
_LOAD = 0.85
_GROWTH = 1.25
_FIRST = 2  # buckets
_GOLDEN = 0.6180339887


class Index:
    """Open addressing in PARTS parts.

    Their first sizes differ, and each grows by a quarter: so few of them grow at the same time, and
    memory grows evenly.
    """

    def __init__(self) -> None:
        """Make an empty index."""
        self._sizes = _FIRST * _GROWTH ** ((np.arange(PARTS) * _GOLDEN) % 1)
        self.parts = Parts(
            np.zeros(PARTS, np.int64), np.zeros(PARTS, np.int64), np.zeros(PARTS, np.int64)
        )
        self._places = [_zeros(int(size)) for size in self._sizes]
        for part, places in enumerate(self._places):
            self._set(part, places)

    @property
    def bytes(self) -> int:
        """Memory in use."""
        return int(self.parts.buckets.sum()) * _BUCKET * 8

    def __len__(self) -> int:
        return int(self.parts.used.sum())

    def reserve(self, keys: Keys) -> None:
        """Make room for keys that are not yet in the index."""
        counts = np.zeros(PARTS, np.int64)
        kernels.count_parts(keys.feature, keys.id, counts)
        for part in np.flatnonzero(self.parts.used + counts > _LOAD * _BUCKET * self.parts.buckets):
            self._grow(int(part), int(self.parts.used[part] + counts[part]))

    def _grow(self, part: int, keys: int) -> None:
        while int(self._sizes[part]) * _BUCKET * _LOAD < keys:
            self._sizes[part] *= _GROWTH
        before = self._places[part]
        places = _zeros(int(self._sizes[part]))
        kernels.rehash(before.ctypes.data, len(before), places.ctypes.data, len(places))
        self._set(part, places)

    def _set(self, part: int, places: NDArray[np.uint64]) -> None:
        self._places[part] = places
        self.parts.addresses[part] = places.ctypes.data
        self.parts.buckets[part] = len(places)


def _zeros(buckets: int) -> NDArray[np.uint64]:
    return pages.zeros(8 * _BUCKET * buckets).view(np.uint64).reshape(buckets, _BUCKET)
