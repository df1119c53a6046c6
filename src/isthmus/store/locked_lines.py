"""Files of JSON lines that several runs of a party add to, one at a time."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

import msgspec

from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.store.encoding import to_json

LineT = TypeVar("LineT", bound=msgspec.Struct)


class LockedLines(Generic[LineT]):
    """The lines of a file that no other run can change meanwhile."""

    def __init__(self, file: BinaryIO, kind: type[LineT]) -> None:
        self.lines = [msgspec.json.decode(line, type=kind) for line in file]
        self._file = file

    def add(self, line: LineT) -> None:
        """Write one more line; it counts from here on, even if this machine crashes now."""
        self._file.write(to_json(line) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.lines.append(line)


@contextmanager
def opened(path: Path, kind: type[LineT], lost: str) -> Generator[LockedLines[LineT]]:
    """Read a file of lines, and hold it while the block runs.

    Args:
        path: The file; it and its folder are created, readable by their owner only.
        kind: What each line is.
        lost: What cannot be done without the file, for the error.

    Yields:
        Its lines.

    Raises:
        DiskError: The disk is full.
        SpecError: Somebody has changed the file.
    """
    with disk_full_is_error(path.parent):
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)  # `parents=True` does not set the mode
        path.touch(mode=0o600)
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another run may start at the same moment
            file.truncate(file.read().rfind(b"\n") + 1)  # a line cut off by a crash does not count
            file.seek(0)
            try:
                found = LockedLines(file, kind)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise SpecError(
                    f"{path}: is not as isthmus wrote it: {error}. Put it back from a backup; "
                    f"without it {lost} cannot be kept."
                ) from None
            yield found
