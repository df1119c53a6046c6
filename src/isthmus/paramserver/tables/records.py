"""Records by key, in segments of memory and, beyond a bound, of a file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.core.errors import SpecError
from isthmus.paramserver.tables import pages
from isthmus.paramserver.tables.cold import ColdFile
from isthmus.paramserver.tables.index import Index
from isthmus.paramserver.tables.kernels import index as lookups
from isthmus.paramserver.tables.kernels import records as kernels
from isthmus.paramserver.tables.kernels.index import Segments
from isthmus.paramserver.tables.kernels.records import HEAD, Counting, Entries, Limits, Pool
from isthmus.paramserver.window import Bools, Float32s, Int64s, Keys

_COLD = 2**31
"""Number of the first record in the file; those below are in memory."""

_WORD = 4
_FEWEST, _MOST = 256, 262_144  # records of a segment

_OF_INDEX = 11
"""Bytes of a record in the index: 8, of places of which about three in four are taken."""

_OF_COLDEST = 8
"""The coldest of so many times as many are moved to the file."""

_EVER = -(2**62)


class Records:
    """Rows with what is known of their keys.

    A record is found by number. Numbers hold until the next `make` or `warm`, which may move
    records to the file and back.
    """

    def __init__(self, width: int, segment: int, spill: Path | None, *, scored: bool) -> None:
        """Make no records.

        Args:
            width: Numbers of a row.
            segment: Bytes of a segment, about.
            spill: Folder of the file.
            scored: Whether records have scores.
        """
        self.index = Index()
        self.memory: int | None = None
        """Most bytes, file aside. None: no bound."""

        self._head = HEAD + scored
        self._width = width
        size = _WORD * (self._head + width)
        shift = min(max(segment // size, _FEWEST), _MOST).bit_length() - 1
        self._segments = Segments(np.zeros(2**32 >> shift, np.int64), shift, size)
        self._warm = Pool(np.zeros(3, np.int64), 0)
        self._cold = Pool(np.zeros(3, np.int64), _COLD)
        self._memory: list[NDArray[np.uint8]] = []
        self._file = ColdFile(spill, size << shift)
        self._hand = 0

    def __len__(self) -> int:
        return len(self.index)

    @property
    def bytes(self) -> int:
        """Memory in use."""
        return len(self._memory) * self._segment + self.index.bytes

    def bytes_for(self, count: int) -> int:
        """Returns about how much memory so many records take: whole segments, and the index."""
        segments = -(-count // self.per_segment)
        return segments * self._segment + Index().bytes + _OF_INDEX * count

    @property
    def spilled(self) -> int:
        """Size of the file."""
        return self._file.bytes

    def find(self, keys: Keys) -> Int64s:
        """Returns numbers, -1 where there is no record."""
        found = np.empty(len(keys), np.int64)
        lookups.find(self.index.parts, self._segments, keys.feature, keys.id, found)
        return found

    def fetch(self, keys: Keys, counting: Counting, rows: Float32s) -> Int64s:
        """Look up keys and copy their rows.

        Args:
            keys: The keys.
            counting: How their records change by it.
            rows: Shape (keys, width); gets zeros where there is no record.

        Returns:
            Numbers, -1 where there is no record.
        """
        found = np.empty(len(keys), np.int64)
        index = (self.index.parts, self._segments)
        kernels.fetch(index, (keys.feature, keys.id), counting, rows, found, self._head)
        return found

    def make(self, keys: Keys) -> Int64s:
        """Make records.

        Args:
            keys: Keys without records.

        Returns:
            Their numbers. What is known of them is 0, and their rows are undefined.

        Raises:
            SpecError: The memory has no room for so many.
            DiskError: The disk has no room for those that give way.
        """
        self.index.reserve(keys)
        self._make_room(len(keys))
        numbers = np.empty(len(keys), np.int64)
        index = (self.index.parts, self._segments)
        kernels.make(index, self._warm, (keys.feature, keys.id), numbers, self._head)
        return numbers

    def warm(self, numbers: Int64s) -> None:
        """Move those of some records that are in the file into memory."""
        cold = numbers[numbers >= _COLD]
        if len(cold):
            self._make_room(len(cold))
            kernels.move((self.index.parts, self._segments), self._cold, self._warm, cold)

    def write(self, numbers: Int64s, entries: Entries) -> None:
        """Set what is known of the records."""
        kernels.write(self._segments, numbers, entries, self._head)

    def put(self, numbers: Int64s, rows: Float32s, mark: int) -> None:
        """Set rows, but where a number is -1."""
        rows = np.ascontiguousarray(rows, np.float32)
        kernels.put(self._segments, numbers, rows, mark, self._head)

    def release(self, numbers: Int64s) -> None:
        """Give records up."""
        for pool, of_pool in ((self._warm, numbers < _COLD), (self._cold, numbers >= _COLD)):
            index = (self.index.parts, self._segments)
            kernels.release(index, pool, numbers[of_pool])

    def read(self, numbers: Int64s) -> tuple[Keys, Entries, Float32s]:
        """Returns copies of records: keys, what is known of them, and rows."""
        many = len(numbers)
        keys = Keys(np.empty(many, np.uint16), np.empty(many, np.int64))
        entries = Entries(
            np.empty(many, np.int64),
            np.empty(many, np.float32),
            np.empty(many, np.int64),
            np.empty(many, np.int32),
        )
        rows = np.empty((many, self._width), np.float32)
        key_arrays = (keys.feature, keys.id)
        kernels.read(self._segments, numbers, key_arrays, entries, rows, self._head)
        return keys, entries, rows

    def changed(self, since: int | None) -> Int64s:
        """Returns the numbers of the records that changed at marks above `since`, or of all."""
        least = _EVER if since is None else since
        found = [self._taken(start, stop, least) for start, stop in self._spans()]
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def over(self, limits: Limits, clock: int) -> Iterator[Int64s]:
        """Yields the numbers of records to evict; they may be released in between."""
        for start, stop in list(self._spans()):
            numbers = self._taken(start, stop, _EVER)
            chosen: Bools = np.empty(len(numbers), np.bool_)
            kernels.over(self._segments, numbers, limits, clock, chosen)
            yield numbers[chosen]

    def fit(self, rows: int = 0) -> None:
        """Keep to the bound on memory, now that the index or the bound may have changed.

        Args:
            rows: Records that are needed at once.

        Raises:
            SpecError: There is too little memory for them.
        """
        if self.memory is None:
            return
        segments = max(-(-rows // self.per_segment), 1)
        needed = self.index.bytes + segments * self._segment
        if needed > self.memory:
            raise SpecError(
                f"a shard of the parameter server has {len(self):,} rows, and needs {rows:,} of "
                f"them at once. Their index and these rows alone take {_least(needed)} of memory: "
                "raise `memory` above that, take more `shards`, or exchange more often."
            )
        while self.bytes > self.memory:
            self._drop_segment()

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    @property
    def per_segment(self) -> int:
        """Records of a segment."""
        return 1 << self._segments.shift

    @property
    def _segment(self) -> int:
        return self._segments.size << self._segments.shift

    def _make_room(self, rows: int) -> None:
        self.fit(rows)
        while (lacking := rows - self._room(self._warm, len(self._memory))) > 0:
            if self.memory is None or self.bytes + self._segment <= self.memory:
                memory = pages.zeros(self._segment)
                self._segments.addresses[len(self._memory)] = memory.ctypes.data
                self._memory.append(memory)
            else:
                self._cool(self._coldest(max(lacking, self.per_segment // 4)))

    def _room(self, pool: Pool, segments: int) -> int:
        """Records that can be taken without a further segment."""
        _, top, free = pool.state.tolist()
        return int(segments * self.per_segment - top + free)

    def _coldest(self, rows: int) -> Int64s:
        """Numbers of records that were not pulled for long: the coldest of the next many."""
        top = int(self._warm.state[1])
        stop = min(self._hand + _OF_COLDEST * rows, top)
        numbers = self._taken(self._hand, stop, _EVER)
        self._hand = 0 if stop == top else stop
        if rows >= len(numbers):
            return numbers
        last = np.empty(len(numbers), np.int64)
        kernels.read_last(self._segments, numbers, last)
        return numbers[np.argpartition(last, rows)[:rows]]

    def _cool(self, numbers: Int64s) -> None:
        """Move records from memory to the file."""
        while self._room(self._cold, len(self._file)) < len(numbers):
            at = (_COLD >> self._segments.shift) + len(self._file)
            self._segments.addresses[at] = self._file.add()
        kernels.move((self.index.parts, self._segments), self._warm, self._cold, numbers)

    def _drop_segment(self) -> None:
        start = (len(self._memory) - 1) * self.per_segment
        top = int(self._warm.state[1])
        self._cool(self._taken(start, max(start, top), _EVER))
        kernels.shorten(self._segments, self._warm, start)
        self._memory.pop()
        self._hand = min(self._hand, start)

    def _spans(self) -> Iterator[tuple[int, int]]:
        for pool in (self._warm, self._cold):
            top = pool.base + int(pool.state[1])
            for start in range(pool.base, top, self.per_segment):
                yield start, min(start + self.per_segment, top)

    def _taken(self, start: int, stop: int, since: int) -> Int64s:
        numbers = np.empty(stop - start, np.int64)
        return numbers[: kernels.taken(self._segments, start, stop, since, numbers)].copy()


def _least(size: int) -> str:
    """Returns a size as `memory` may be written, rounded up."""
    return f"{-(-size // 2**10):,} KiB" if size < 2**23 else f"{-(-size // 2**20):,} MiB"
