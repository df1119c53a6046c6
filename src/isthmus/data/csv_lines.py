"""Where the rows of a CSV file stand: read again, only when there is something to tell."""

import csv
import gzip
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.core.errors import SpecError

_LONGEST_CELL = 2**30
"""Python's own limit is 128 KiB, and Arrow has none."""

_REPLACED = "\N{REPLACEMENT CHARACTER}"
"""Stands for bytes that are not UTF-8."""


def names(path: Path, delimiter: str) -> list[str]:
    """Read the line of names.

    Args:
        path: The file.
        delimiter: What parts its cells.

    Returns:
        The cells of the first line that is not empty.

    Raises:
        SpecError: There is none, it is not UTF-8, or the file is no CSV.
    """
    try:
        with _opened(path) as file:
            lines: Iterator[list[str]] = csv.reader(file, delimiter=delimiter)
            found = next((line for line in lines if line), list[str]())
    except (csv.Error, OSError, EOFError, zlib.error):
        found = []
    if not found:
        raise SpecError(
            f"{path}: the file is not CSV in UTF-8, or is empty or cut short. Copy or export it "
            "again."
        )
    if any(_REPLACED in name for name in found):
        raise SpecError(
            f"{path}: the line with the names of its columns is not UTF-8. Export it as UTF-8."
        )
    return found


def line_of(path: Path, delimiter: str, row: int) -> int | None:
    """Find the line of a row.

    Args:
        path: The file.
        delimiter: What parts its cells.
        row: Number of the row from 0, without the line of names, and without lines that have
            another number of cells than that.

    Returns:
        The line on which it begins, from 1; None where it cannot be found.
    """
    width = None
    count = -1
    for line, cells in _rows(path, delimiter):
        width = width or len(cells)
        if len(cells) == width:
            count += 1
        if count == row + 1:
            return line
    return None


@dataclass(frozen=True)
class Ragged:
    """Lines that have another number of cells than the line of names."""

    count: int
    first: int
    """The first of them, from 1."""

    cells: int
    """Its cells."""

    width: int
    """Cells of the line of names."""

    in_utf_8: bool
    """Whether all of them are text."""


def ragged(path: Path, delimiter: str) -> Ragged | None:
    """Find lines that have another number of cells than the first one.

    Args:
        path: The file.
        delimiter: What parts its cells.

    Returns:
        What is to be said of them; None where none can be found.
    """
    found = list[tuple[int, list[str]]]()
    width = None
    for line, cells in _rows(path, delimiter):
        width = width or len(cells)
        if len(cells) != width:
            found.append((line, cells))
    if not found or width is None:
        return None
    line, cells = found[0]
    text = all(_REPLACED not in cell for _, each in found for cell in each)
    return Ragged(len(found), line, len(cells), width, text)


def _rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the line on which each row begins, and its cells; empty lines are no rows."""
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        with _opened(path) as file:
            reader = csv.reader(file, delimiter=delimiter)
            begin = 1
            for row in reader:
                if row:
                    yield begin, row
                begin = reader.line_num + 1
    except (csv.Error, OSError, EOFError, zlib.error):  # then nobody is told of lines
        return
    finally:
        csv.field_size_limit(before)


@contextmanager
def _opened(path: Path) -> Generator[Any]:
    opening: Any = gzip.open if path.name.endswith(".gz") else open
    with opening(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as text:
        yield text
