"""Storage of a tree's encrypted rows between levels: as objects of an engine, or as bytes if many.

As objects, rows take more memory than their bytes, with gmpy2 more than twice as much, but bytes
have to become objects again for every level. So the rows of a tree are stored as objects up to
`AS_OBJECTS` bytes, as bytes in memory up to `IN_MEMORY`, and if there are more, in an unnamed
temporary file, which only this process can open and which disappears with it. Bytes become objects
in parts, while they are summed.

The file is in `TMPDIR`, which should be on a disk, not in memory.
"""

from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from tempfile import TemporaryFile
from typing import IO
from weakref import finalize

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.crypto.scheme import Ciphertexts, PublicKey

AS_OBJECTS = 2**24
"""Most bytes of a tree's rows to store as objects, which take more memory than that."""

IN_MEMORY = 2**26
"""Most bytes of a tree's rows to store in memory; with more, all go to a file."""

PART_ROWS = 2**15
"""Most rows that are objects of an engine at one time."""


class StoredRows:
    """The rows of one tree, in the order in which they came."""

    def __init__(self, key: PublicKey, count: int) -> None:
        """Start without rows.

        Args:
            key: The key that all rows are encrypted under.
            count: Number of rows that will be added.
        """
        self._key = key
        self._count = count
        self._objects: list[Ciphertexts] = []
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._row_bytes = 0

    def add(self, block: bytes, ciphertexts: Ciphertexts) -> None:
        """Store the next block of rows.

        Args:
            block: Their ciphertexts, already checked.
            ciphertexts: The same, decoded.

        Raises:
            OSError: The disk is full.
        """
        self._row_bytes = len(block) // len(ciphertexts)
        due = self._count * self._row_bytes
        if due <= AS_OBJECTS:
            self._objects.append(ciphertexts)
        elif due <= IN_MEMORY:
            self._memory += block
        else:
            self._opened().write(block)

    def parts(self, rows: Integers) -> Iterator[tuple[Integers, Ciphertexts]]:
        """Restore some rows, after all have been added.

        Args:
            rows: Their positions, ascending.

        Yields:
            At most `PART_ROWS` positions, and the rows there.
        """
        for first in range(0, len(rows), PART_ROWS):
            part = rows[first : first + PART_ROWS]
            yield part, self._taken(part) if self._objects else self._key.restore(self._read(part))

    def _taken(self, rows: Integers) -> Ciphertexts:
        first, *others = self._objects
        if others:
            self._objects = [first.join(others)]
        return self._objects[0].take(rows.tolist())

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115 - it lives as long as we
            finalize(self, self._file.close)  # when this object is garbage-collected
        return self._file

    def _read(self, rows: Integers) -> bytes:
        data: bytearray | mmap = self._memory
        if self._file is not None:
            self._file.flush()
            data = mmap(self._file.fileno(), 0, access=ACCESS_READ)  # no longer than this call
        every = np.frombuffer(data, np.uint8).reshape(-1, self._row_bytes)
        return every[rows].tobytes()
