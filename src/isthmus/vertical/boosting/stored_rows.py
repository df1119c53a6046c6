"""Storage of a tree's encrypted rows between levels, as bytes: in memory, or on disk if many.

As objects of an engine, rows take more than twice the memory of their bytes, and all of them would
be in memory at once. So only their bytes are stored: up to `IN_MEMORY` bytes in memory, more than
that in an unnamed temporary file, which only this process can open and which disappears with it.
The rows of a node become objects again in parts, while they are summed.

The file is in `TMPDIR`, which should be on a disk, not in memory.
"""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from weakref import finalize

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
        self._file = SpooledTemporaryFile[bytes](IN_MEMORY)
        finalize(self, self._file.close)  # when this object is garbage-collected
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
            yield part, self._key.restore(b"".join(map(self._read, part.tolist())))

    def _read(self, row: int) -> bytes:
        self._file.seek(row * self._row_bytes)
        return self._file.read(self._row_bytes)
