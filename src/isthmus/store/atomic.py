"""Atomic file writes and appends."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from isthmus.core.errors import disk_full_is_error


def write(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; a crash leaves either the old file or the new.

    Args:
        path: The file; an existing one is replaced.
        content: The whole content.

    Raises:
        DiskError: The disk is full.
        OSError: The file cannot be written for another reason.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Generator[IO[bytes]]:
    """Open a file to write it anew; only its owner can read it, and a crash leaves the old one.

    Args:
        path: Where; a file that is there is replaced once the block has ended well.

    Yields:
        The new file, still under another name.

    Raises:
        DiskError: There is no room for it.
        OSError: It cannot be written for another reason.
    """
    with (
        disk_full_is_error(path),
        NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file,
    ):
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def append(file: FileIO, line: bytes) -> None:
    """Append a line to a file: the whole line, or nothing.

    Args:
        file: Open for appending, unbuffered: the line is in the file even if this process dies.
        line: The line with its line break.

    Raises:
        DiskError: The disk is full.
        OSError: The line cannot be written for another reason.
    """
    end = file.tell()
    with disk_full_is_error(Path(os.fsdecode(file.name))):
        if file.write(line) < len(line):
            file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
