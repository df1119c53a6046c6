"""Atomic file writes and appends."""

import errno
import os
from io import FileIO
from pathlib import Path
from tempfile import NamedTemporaryFile

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
    with (
        disk_full_is_error(path),
        NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file,
    ):
        try:
            file.write(content)
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
