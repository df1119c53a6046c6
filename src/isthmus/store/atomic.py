"""Atomic writes of files and folders, and appends."""

import errno
import os
import shutil
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


@contextmanager
def replacing_folder(folder: Path) -> Generator[Path]:
    """Make a folder of files that is there whole, or not at all.

    Args:
        folder: Where; a folder that is there is replaced once the block has ended well.

    Yields:
        An empty folder to write the files to.

    Raises:
        DiskError: There is no room for it.
    """
    new = folder.with_name(f".{folder.name}")
    shutil.rmtree(new, ignore_errors=True)
    with disk_full_is_error(folder):
        new.mkdir(mode=0o700, parents=True)
        yield new
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)


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
