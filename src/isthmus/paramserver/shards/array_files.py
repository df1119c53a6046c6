"""Arrays as files: past the system's cache where it can be, and summed up on the way.

A snapshot is seldom read. In the cache it would drive out what is, and the system takes longer to
find, clear and fill its pages than the disk does to write them.
"""

import errno
import fcntl
import io
import os
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from isthmus.core.errors import disk_full_is_error
from isthmus.paramserver.engine import StoredArray
from isthmus.paramserver.tables import pages

Bytes = NDArray[np.uint8]

_CHUNK = 4 * 2**20
_BLOCK = 4096
"""Only whole blocks go past the cache."""

_LARGE = 2**20
"""Smaller arrays go through the cache: they take no time either way."""

_AT_ONCE = 4
"""Files at the same time: most of them wait for the disk."""

_DIRECT: int = getattr(os, "O_DIRECT", 0)  # of Linux


def write_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> dict[str, StoredArray]:
    """Write new files, and wait until they are on the disk.

    Args:
        folder: An existing folder.
        arrays: Numbers only, by name of the file.

    Returns:
        What was written, by name of the file.

    Raises:
        DiskError: The disk is full.
        OSError: A file cannot be written for another reason.
    """
    names = sorted(arrays, key=lambda name: -arrays[name].nbytes)
    with disk_full_is_error(folder), ExitStack() as opened:
        pool = opened.enter_context(ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="arrays"))
        files = [opened.enter_context((folder / name).open("xb", buffering=0)) for name in names]
        stored = list(pool.map(_write, files, [arrays[name] for name in names]))
        for file in files:  # once all is written: then most need no wait any more
            os.fsync(file.fileno())
        return dict(zip(names, stored, strict=True))


def checksum(array: NDArray[Any]) -> int:
    """Returns the CRC-32 of an array without gaps."""
    return zlib.crc32(_bytes(array).data)


def _write(file: io.FileIO, array: NDArray[Any]) -> StoredArray:
    array = np.ascontiguousarray(array)
    begin, content = _header(array), _bytes(array)
    if len(content) >= _LARGE:
        found = _write_past_cache(file, begin, content)
    else:
        _write_all(file, begin)
        _write_all(file, content)
        found = zlib.crc32(content.data)
    return StoredArray(file.tell(), found)


def _write_past_cache(file: io.FileIO, begin: Bytes, content: Bytes) -> int:
    """Write both, and return the CRC-32 of the content."""
    chunk = pages.zeros(_CHUNK)
    chunk[: len(begin)] = begin
    filled, found = len(begin), 0
    with suppress(OSError):  # not every file system can
        _pass_cache(file, _DIRECT)
    while len(content):
        part, content = np.split(content, [_CHUNK - filled])
        found = zlib.crc32(part.data, found)
        chunk[filled : filled + len(part)] = part
        filled += len(part)
        if filled == _CHUNK:
            _write_all(file, chunk)
            filled = 0
    rest = filled % _BLOCK
    _write_all(file, chunk[: filled - rest])
    _pass_cache(file, 0)
    _write_all(file, chunk[filled - rest : filled])
    return found


def _write_all(file: io.FileIO, part: Bytes) -> None:
    while len(part):
        try:
            part = part[file.write(part.data) :]
        except OSError as error:
            # After a part of a block was written, the rest is none: a file had no room for more.
            if error.errno != errno.EINVAL or not _pass_cache(file, 0):
                raise


def _pass_cache(file: io.FileIO, direct: int) -> bool:
    """Pass the cache by with `_DIRECT`, do not with 0; returns whether that is new."""
    before = fcntl.fcntl(file, fcntl.F_GETFL)
    after = before & ~_DIRECT | direct
    fcntl.fcntl(file, fcntl.F_SETFL, after)
    return before != after


def _header(array: NDArray[Any]) -> Bytes:
    file = io.BytesIO()
    npy.write_array_header_2_0(file, npy.header_data_from_array_1_0(array))
    return np.frombuffer(file.getbuffer(), np.uint8)


def _bytes(array: NDArray[Any]) -> Bytes:
    return array.reshape(-1).view(np.uint8)
