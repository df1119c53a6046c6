"""Reading a data set that does not fit into memory: blocks of rows, from any row on."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.core.errors import SpecError
from isthmus.data import files, formats
from isthmus.data.formats import ENDINGS, Batch
from isthmus.data.kinds import Kind
from isthmus.data.spec import Dataset

BLOCK = 2**13
"""Rows of a block; only the last one of a file has fewer."""

_EDGE = 2**16  # bytes at both ends of a file that its fingerprint looks at


@dataclass(frozen=True)
class Place:
    """The row of a data set that is read next."""

    file: int = 0
    row: int = 0
    """Rows of that file before it."""

    total: int = 0
    """Rows of the data set before it."""


@dataclass(frozen=True)
class Block:
    """Consecutive rows of one file."""

    rows: Batch
    """An Arrow record batch of the wanted columns, in their order."""

    place: Place
    """Of its first row."""

    path: Path

    @property
    def where(self) -> str:
        """The file, for errors."""
        return formats.in_words(self.path)

    @property
    def next(self) -> Place:
        """Where the row after the last one is."""
        rows: int = self.rows.num_rows
        return Place(self.place.file, self.place.row + rows, self.place.total + rows)


class ChangedError(SpecError):
    """A file is not what it was when the checkpoint of a run was written."""


class BlockReader:
    """Reads the files of a data set: one, those of a folder by name, or JSON lines from a pipe."""

    def __init__(
        self,
        dataset: Dataset,
        folder: Path,
        columns: Mapping[str, Kind],
        *,
        may_be_empty: bool = False,
    ) -> None:
        """Find the files, and the columns in each of them.

        Args:
            dataset: The data set.
            folder: Its path is relative to this folder.
            columns: The columns to read, and what they hold.
            may_be_empty: Whether it is fine if there are no rows.

        Raises:
            SpecError: There is no such file, or it cannot be read, or lacks a column.
        """
        self._dataset = dataset
        self._columns = dict(columns)
        self._may_be_empty = may_be_empty
        self.files = files_of(dataset, folder)
        for path in self.files:
            self._check_columns(path)

    def blocks(self, start: Place | None = None) -> Iterator[Block]:
        """Read block by block.

        Args:
            start: Where to begin: the first row, or the `next` of a block.

        Yields:
            The blocks; cut the same wherever reading began.

        Raises:
            SpecError: A file cannot be read or lacks a column, or there is no row at all.
        """
        place = start or Place()
        for number in range(place.file, len(self.files)):
            path = self.files[number]
            if number != place.file:
                place = Place(number, 0, place.total)
            self._check_columns(path)
            for rows in _cut(self._batches(path, place.row), place.row):
                block = Block(rows, place, path)
                yield block
                place = block.next
        if place.total == 0 and not self._may_be_empty:
            raise SpecError(
                f"{formats.in_words(self.files[0])}: there are no rows. Export the data again with "
                "their rows."
            )

    def fingerprint(self) -> NDArray[np.uint8]:
        """Digest of each file's name, size and both ends, shape (files, 32); of a pipe nothing."""
        files = [path for path in self.files if not formats.is_pipe(path)]
        digests = [np.frombuffer(_digest(path), np.uint8) for path in files]
        return np.stack(digests) if digests else np.empty((0, 32), np.uint8)

    def check_unchanged(self, before: NDArray[np.uint8]) -> None:
        """Refuse files that have changed.

        Args:
            before: Their `fingerprint` from an earlier time.

        Raises:
            ChangedError: There are more or fewer files, or one of them changed.
        """
        now = self.fingerprint()
        if len(now) != len(before):
            raise ChangedError(
                f"{self.files[0].parent}: there are {len(now)} files where there were "
                f"{len(before)} when the checkpoint was written. Put the same files back, or begin "
                "a new run with `--into FOLDER`."
            )
        changed = np.flatnonzero((now != before).any(axis=1))
        if len(changed):
            raise ChangedError(
                f"{self.files[changed[0]]}: the file has changed since the checkpoint was written "
                f"({len(changed)} of {len(now)} files have). Put the same file back, or begin a "
                "new run with `--into FOLDER`."
            )

    def rows(self) -> tuple[int | None, bool]:
        """Count the rows.

        Returns:
            Their number, and whether it is exact, not estimated from the size of the files; None
            for a pipe.
        """
        if formats.is_pipe(self.files[0]):
            return None, False
        counts = [formats.rows_of(path) for path in self.files]
        if None not in counts:
            return sum(count for count in counts if count is not None), True
        guesses = (
            self._guess(path) if count is None else count
            for path, count in zip(self.files, counts, strict=True)
        )
        return sum(guesses), False

    def _guess(self, path: Path) -> int:
        """Estimate rows from the first block, as if the others take as many bytes each."""
        first = next(_cut(self._batches(path, 0), 0), None)
        rows: int = 0 if first is None else first.num_rows
        if rows < BLOCK:
            return rows
        return max(round(path.stat().st_size / _bytes_a_row(path, first)), rows)

    def _batches(self, path: Path, skip: int) -> Iterator[tuple[int, Batch]]:
        return formats.batches_of(path, self._dataset, self._columns, skip)

    def _check_columns(self, path: Path) -> None:
        names = formats.names_of(path, self._dataset)
        if names is None:
            return
        for name in self._columns:
            if names.count(name) > 1:
                raise SpecError(
                    f"{path}: {names.count(name)} columns are called {name!r}. Give each column a "
                    "name of its own."
                )
            if name not in names:
                close = get_close_matches(name, names)
                advice = (
                    f"Did you mean {' or '.join(repr(match) for match in close)}?"
                    if close
                    else "Correct the job, or the file: its first line must name its columns."
                )
                raise SpecError(
                    f"{path}: the job names a column {name!r}, which is none of the file's "
                    f"{len(names)}. {advice}"
                )


def files_of(dataset: Dataset, folder: Path) -> Sequence[Path]:
    """Find the files of a data set.

    Args:
        dataset: The data set.
        folder: Its path is relative to this folder.

    Returns:
        At least one file, in the order of their names.

    Raises:
        SpecError: There is none that can be read.
    """
    path = dataset.resolve(folder)
    if formats.is_pipe(path):
        return (path,)
    return files.files_of(path, ENDINGS, " and `-` for JSON lines on the standard input")


def column_names(dataset: Dataset, folder: Path) -> frozenset[str] | None:
    """Find the columns of a data set.

    Args:
        dataset: The data set.
        folder: Its path is relative to this folder.

    Returns:
        The names in the head of its first file; None for JSON lines, where nobody knows.

    Raises:
        SpecError: The file cannot be read.
    """
    names = formats.names_of(files_of(dataset, folder)[0], dataset)
    return None if names is None else frozenset(names)


def _cut(batches: Iterator[tuple[int, Batch]], skip: int) -> Iterator[Batch]:
    """Cut batches into blocks that begin at every BLOCK-th row of the file, from row `skip` on."""
    parts, held = list[Any](), 0
    for before, batch in batches:
        begin = max(skip - before, 0)
        while begin < batch.num_rows:
            part = batch.slice(begin, BLOCK - held)
            begin += part.num_rows
            held += part.num_rows
            parts.append(part)
            if held == BLOCK:
                yield pa.concat_batches(parts) if len(parts) > 1 else parts[0]
                parts, held = [], 0
    if parts:
        yield pa.concat_batches(parts) if len(parts) > 1 else parts[0]


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            digest = hashlib.sha256(f"{path.name}\0{size}\0".encode())
            digest.update(file.read(_EDGE))
            file.seek(max(size - _EDGE, 0))
            digest.update(file.read(_EDGE))
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}. Put the file back.") from None
    return digest.digest()


def _bytes_a_row(path: Path, first: Batch) -> float:
    """Bytes of the file per row: those of lines in plain text, otherwise those of the arrays."""
    if path.name.endswith((".csv", ".jsonl")):
        with path.open("rb") as file:
            head = file.read(2**20)
        return len(head) / max(head.count(b"\n"), 1)
    share = 0.4 if path.name.endswith(".gz") else 1.0  # text, compressed, beside its arrays
    return share * float(first.nbytes) / float(first.num_rows)
