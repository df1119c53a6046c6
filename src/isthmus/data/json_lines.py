"""Reading JSON lines, from a file or from the standard input."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from weakref import WeakSet

import msgspec
import pyarrow as pa
from pyarrow import json

from isthmus.core.errors import SpecError
from isthmus.data.kinds import TYPES, Kind

Batch = Any
"""A `pyarrow.RecordBatch`."""

_HEAD = 2**16  # bytes at the beginning that tell the types of columns
_NUMBERS: Mapping[Kind, Kind] = {"any": "integer", "time": "number"}
"""What columns hold that may hold text, if it is numbers."""

_PIPES_READ = WeakSet[BinaryIO]()


def _pipe() -> BinaryIO:
    """Take the standard input.

    Returns:
        It.

    Raises:
        SpecError: It was taken before.
    """
    pipe = sys.stdin.buffer
    if pipe in _PIPES_READ:
        raise SpecError(
            "the standard input has been read already, and cannot be read again. Start the same "
            "command again with the same input, or give a file."
        )
    _PIPES_READ.add(pipe)
    return pipe


def of_file(path: Path, columns: Mapping[str, Kind]) -> Iterator[Batch]:
    """Read the lines of a file; yields record batches of these columns."""
    with path.open("rb") as file:
        yield from _read(str(path), file, columns)


def of_pipe(columns: Mapping[str, Kind]) -> Iterator[Batch]:
    """Read the lines of the standard input; yields record batches of these columns."""
    yield from _read("the standard input", _pipe(), columns)


def _read(where: str, file: BinaryIO, columns: Mapping[str, Kind]) -> Iterator[Batch]:
    """Read JSON lines; the first of them say of which type a column is that may hold several."""
    head = file.read(_HEAD)
    head += file.readline()
    if not head.strip():
        return
    schema = pa.schema([(name, _type(where, head, name, kind)) for name, kind in columns.items()])
    parsing = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    with json.open_json(_WithHead(head, file), parse_options=parsing) as reader:
        for batch in reader:
            yield batch.select(list(columns))


def _type(where: str, head: bytes, name: str, kind: Kind) -> Any:
    missing = True
    for line in head.splitlines():
        try:
            found = msgspec.json.decode(line or b"{}", type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            break
        missing = missing and name not in found
        value: Any = found.get(name)
        if isinstance(value, list):
            value = next(iter(value), None)
            if value is not None:
                return pa.list_(pa.string() if isinstance(value, str) else TYPES["integer"])
        elif value is not None:
            return TYPES[_NUMBERS.get(kind, kind) if isinstance(value, int | float) else kind]
    if missing:
        raise SpecError(
            f"{where}: none of its first lines has a {name!r}, which the job names. Write a line "
            "with null for each empty cell, or correct the job."
        )
    return TYPES[kind]


class _WithHead:
    """A file of which the head has been read already."""

    closed = False

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        self._head = head
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Returns the next bytes; fewer than `size` only at the end."""
        found, self._head = (
            (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
        )
        return found + self._file.read(size - len(found) if size >= 0 else -1)

    def readable(self) -> bool:
        """Returns whether it can be read."""
        return True

    def writable(self) -> bool:
        """Returns whether it can be written."""
        return False

    def seekable(self) -> bool:
        """Returns whether it can be read from elsewhere."""
        return False

    def close(self) -> None:
        """Leave the file to whoever opened it."""
