"""Columns of Arrow as arrays of numpy, and the sentences for cells that a column must not have.

The sentences name file, column and how many cells; never what is in them.
"""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.paramserver.tables.kernels.hashing import hash_text
from isthmus.paramserver.window import DEFAULT, Int32s, Int64s

pc = cast(Any, pyarrow.compute)  # its functions are made at import
types = cast(Any, pa).types

Cells = Any
"""A `pyarrow.Array`."""


@dataclass(frozen=True)
class Column:
    """Cells of one column, and its name for errors."""

    cells: Cells
    name: str
    where: str
    """The file."""

    def error(self, problem: str, advice: str) -> SpecError:
        """Returns the error for cells of this column."""
        return SpecError(f"{self.where}: column {self.name!r} {problem}. {advice}")


def identifiers(column: Column) -> Int64s:
    """Convert a column of ids.

    Args:
        column: Whole numbers.

    Returns:
        Shape (cells,); DEFAULT where a cell is empty.

    Raises:
        SpecError: It is of another type, or an id is negative or 2^63 or more.
    """
    cells = column.cells
    if types.is_null(cells.type):
        return np.full(len(cells), DEFAULT)
    if not types.is_integer(cells.type):
        raise column.error(
            f"should hold whole numbers, but holds {cells.type}",
            'Correct the file, or say in the job that the feature is of kind "hash".',
        )
    try:
        found: Int64s = cells.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    except pa.ArrowException:
        raise column.error(
            "has ids of 2^63 or more", 'Say in the job that the feature is of kind "hash".'
        ) from None
    if len(found) and found.min() < 0:
        raise column.error(
            f"has {np.count_nonzero(found < 0)} negative ids among {len(found)}",
            "Ids are 0 or more: leave cells empty where there is none.",
        )
    return _with_empty(found, cells)


def hashes(column: Column) -> Int64s:
    """Hash a column of text or whole numbers: 7 and "7" are the same.

    Args:
        column: The cells.

    Returns:
        Ids of 63 bits, shape (cells,); DEFAULT where a cell is empty.

    Raises:
        SpecError: It is of another type.
    """
    cells = texts(column)
    _, offsets, data = cells.buffers()
    kind = np.int64 if types.is_large_string(cells.type) else np.int32
    if len(cells) == 0:
        return np.empty(0, np.int64)
    ends = np.frombuffer(offsets, kind)[cells.offset : cells.offset + len(cells) + 1]
    content = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return _with_empty(hash_text(ends, content), cells)


def texts(column: Column) -> Cells:
    """Convert a column to text.

    Args:
        column: Text, whole numbers or truth values.

    Returns:
        A `pyarrow.StringArray` or `LargeStringArray`.

    Raises:
        SpecError: It is of another type.
    """
    cells = column.cells
    if types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if types.is_string(cells.type) or types.is_large_string(cells.type):
        return cells
    if (
        types.is_integer(cells.type)
        or types.is_boolean(cells.type)
        or types.is_null(cells.type)
        or types.is_string_view(cells.type)
    ):
        return cells.cast(pa.string())
    raise column.error(
        f"should hold text or whole numbers, but holds {cells.type}",
        "Correct the file, or the kind of the feature in the job.",
    )


def amounts(column: Column) -> Floats:
    """Convert a column of numbers.

    Args:
        column: Whole numbers, numbers or truth values.

    Returns:
        Shape (cells,); NaN where a cell is empty.

    Raises:
        SpecError: It is of another type, or a number is not finite.
    """
    cells = column.cells
    kind = cells.type
    if types.is_boolean(kind):
        cells = cells.cast(pa.int8())
    elif not (
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_null(kind)
    ):
        raise column.error(
            f"should hold numbers, but holds {kind}",
            "Correct the file, or the kind of the feature in the job.",
        )
    found: Floats = cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    wrong = int(np.count_nonzero(~np.isfinite(found))) - cells.null_count
    if wrong:
        raise column.error(
            f"has {wrong} cells that are not finite numbers among {len(found)}",
            "Leave cells empty where there is no number.",
        )
    return found


def labels(column: Column) -> Floats:
    """Convert a column of labels.

    Args:
        column: Numbers 0 and 1.

    Returns:
        Shape (cells,); NaN where a cell is empty.

    Raises:
        SpecError: There is anything else in it.
    """
    found = amounts(column)
    known = found[~np.isnan(found)]
    wrong = np.count_nonzero((known != 0) & (known != 1))
    if wrong:
        raise column.error(
            f"is a label, but {wrong} of {len(known)} cells are neither 0 nor 1",
            "Correct the file; leave cells empty where the label is not known.",
        )
    return found


def lists(column: Column, separator: str) -> tuple[Column, Int32s]:
    """Take apart a column whose cells hold several values.

    Args:
        column: Lists, or text.
        separator: What parts the values in text.

    Returns:
        The values of all cells as one column, and how many each cell has.

    Raises:
        SpecError: It is of another type.
    """
    cells = column.cells
    if types.is_null(cells.type):
        return Column(cells.slice(0, 0), column.name, column.where), np.zeros(len(cells), np.int32)
    if not _is_list(cells.type):
        text = texts(column)
        filled = pc.if_else(pc.equal(pc.binary_length(text), 0), None, text)
        cells = pc.split_pattern(filled, separator)
    lengths = pc.fill_null(pc.list_value_length(cells), 0)
    found: Int32s = lengths.to_numpy(zero_copy_only=False).astype(np.int32)
    return Column(cells.flatten(), column.name, column.where), found


def parsed(column: Column, kind: Any) -> Column:
    """Convert text to numbers, where values of a list come as text.

    Args:
        column: Of any type.
        kind: An Arrow type of numbers; None leaves all as it is.

    Returns:
        The numbers; the same column if it is no text.

    Raises:
        SpecError: A text is no such number.
    """
    text = types.is_string(column.cells.type) or types.is_large_string(column.cells.type)
    if kind is None or not text:
        return column
    try:
        cells = pc.utf8_trim_whitespace(column.cells).cast(kind)
    except pa.ArrowException:
        what = "whole numbers below 2^63" if types.is_integer(kind) else "numbers"
        raise column.error(
            f"should hold {what}, parted by its `separator`, but holds something else",
            "Correct the file, or the feature in the job.",
        ) from None
    return Column(cells, column.name, column.where)


def _is_list(kind: Any) -> bool:
    found: bool = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return found


def _with_empty(ids: Int64s, cells: Cells) -> Int64s:
    if cells.null_count == 0:
        return ids
    empty = cells.is_null().to_numpy(zero_copy_only=False)
    return np.where(empty, DEFAULT, ids)
