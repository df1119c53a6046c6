"""Checkpoints of runs: arrays and a few plain values in an .npz file, without pickle."""

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.broken import fault
from isthmus.core.errors import SpecError
from isthmus.store import atomic

Fact = int | float | str
Arrays = dict[str, NDArray[Any]]


class Checkpoint(msgspec.Struct, frozen=True):
    """The saved state of a role, to resume from."""

    arrays: Arrays
    facts: dict[str, Fact] = {}


class _Header(msgspec.Struct, frozen=True):
    job: str
    facts: dict[str, Fact]


_HEADER = "header"
_ARRAY = "array."  # prefix of the arrays' names, which callers choose

# Of a file in which bytes were turned; a RuntimeError is what zipfile says of flags and versions.
_BROKEN = (
    *(OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, struct.error),
    *(zipfile.BadZipFile, zlib.error),
)


def save(path: Path, job: str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; a crash leaves the checkpoint before.

    Args:
        path: The file; an existing one is replaced.
        job: Identifies the job and its columns: `load` refuses the file for any other.
        checkpoint: What to save; arrays of numbers only.
    """
    header = np.frombuffer(msgspec.json.encode(_Header(job, checkpoint.facts)), np.uint8)
    named = {f"{_ARRAY}{name}": array for name, array in checkpoint.arrays.items()}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **{_HEADER: header}, **named)
    atomic.write(path, content.getvalue())


def load(path: Path, job: str) -> Checkpoint | None:
    """Read a checkpoint.

    Args:
        path: The file.
        job: The same text that `save` was given.

    Returns:
        The checkpoint, or None if there is no file yet.

    Raises:
        SpecError: The file is broken, or belongs to another job.
    """
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            header = msgspec.json.decode(content[_HEADER].tobytes(), type=_Header)
            names = [name for name in content.files if name.startswith(_ARRAY)]
            arrays = {name.removeprefix(_ARRAY): content[name] for name in names}
    except _BROKEN as error:
        raise SpecError(
            f"{path}: is not a whole checkpoint: {fault(error)}. Remove it to start from the "
            "beginning."
        ) from None
    if header.job != job:
        raise SpecError(
            f"{path}: belongs to another job, or to this one before it, its columns or the rows "
            "that the parties share changed. Remove it to start from the beginning, here and at "
            "every other party that says so, or go back to the job and the data that wrote it."
        )
    return Checkpoint(arrays, header.facts)
