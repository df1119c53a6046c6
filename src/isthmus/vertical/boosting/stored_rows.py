"""Storage of a tree's encrypted rows between levels, as bytes: in memory, or on disk if many.

As objects of an engine, rows take more memory than their bytes, with gmpy2 more than twice as much,
and all of them would be in memory at once. So only their bytes are stored: up to `IN_MEMORY` bytes
in memory, more than that in an unnamed temporary file, which only this process can open and which
disappears with it. The rows of a node become objects again in parts, while they are summed.

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

IN_MEMORY = 2**26
"""Most bytes of a tree's rows to store in memory; with more, all go to a file."""

PART_ROWS = 2**15
"""Most rows that are objects of an engine at one time."""


class StoredRows:
    """The rows of one tree, in the order in which they came."""

    def __init__(self, key: PublicKey) -> None:
        """Start without rows.

        Args:
            key: The key that all rows are encrypted under.
        """
        self._key = key
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._row_bytes = 0

    def add(self, block: bytes, rows: int) -> None:
        """Store the next block of rows.

        Args:
            block: Their ciphertexts, already checked.
            rows: Number of rows.

        Raises:
            OSError: The disk is full.
        """
        self._row_bytes = len(block) // rows
        if self._file is None and len(self._memory) + len(block) > IN_MEMORY:
            self._file = TemporaryFile()  # noqa: SIM115 - it lives as long as we
            finalize(self, self._file.close)  # when this object is garbage-collected
            self._file.write(self._memory)
            self._memory.clear()
        if self._file is None:
            self._memory += block
        else:
            self._file.write(block)

    def parts(self, rows: Integers) -> Iterator[tuple[Integers, Ciphertexts]]:
        """Restore some rows, after all have been added.

        Args:
            rows: Their positions, ascending.

        Yields:
            At most `PART_ROWS` positions, and the rows there.
        """
        for first in range(0, len(rows), PART_ROWS):
            part = rows[first : first + PART_ROWS]
            yield part, self._key.restore(self._read(part))

    def _read(self, rows: Integers) -> bytes:
        data: bytearray | mmap = self._memory
        if self._file is not None:
            self._file.flush()
            data = mmap(self._file.fileno(), 0, access=ACCESS_READ)  # no longer than this call
        every = np.frombuffer(data, np.uint8).reshape(-1, self._row_bytes)
        return every[rows].tobytes()
