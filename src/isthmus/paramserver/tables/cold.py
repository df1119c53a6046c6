"""The rows that are longest unused, in a file, where memory has no room for them."""

import mmap
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.core.errors import disk_full_is_error


class ColdFile:
    """A file without a name, in segments that are mapped into memory.

    The system reads and writes it as it needs to, and removes it with the process, however that
    ends. Each segment gets its blocks when it is made, so a full disk is an error there and then.
    """

    def __init__(self, folder: Path | None, segment: int) -> None:
        """Make no file yet.

        Args:
            folder: Where the file goes; made if there is none. None: no segment can be added.
            segment: Bytes of a segment that are used.
        """
        self.folder = folder
        self._size = -(-segment // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        self._file = -1
        self._segments: list[NDArray[np.uint8]] = []

    def __len__(self) -> int:
        return len(self._segments)

    @property
    def bytes(self) -> int:
        """Size of the file."""
        return len(self._segments) * self._size

    def add(self) -> int:
        """Add a segment.

        Returns:
            Its address.

        Raises:
            DiskError: The disk is full.
            ValueError: There is no folder.
        """
        if self.folder is None:
            raise ValueError("a table with a bound on its memory needs a folder for other rows")
        with disk_full_is_error(self.folder):
            if self._file < 0:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._file = _without_name(self.folder)
            os.posix_fallocate(self._file, self.bytes, self._size)
        segment = np.frombuffer(mmap.mmap(self._file, self._size, offset=self.bytes), np.uint8)
        self._segments.append(segment)
        return segment.ctypes.data

    def close(self) -> None:
        """Give the file up; its rows are gone."""
        self._segments.clear()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _without_name(folder: Path) -> int:
    """Returns the number of a new open file that is in no folder."""
    file, path = tempfile.mkstemp(prefix="rows-", dir=folder)
    Path(path).unlink()
    return file
