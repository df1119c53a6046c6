"""Columns of Arrow as plain types: what a cell holds counts, not how a file stores it."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import uuid
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

Column = Any
"""A `pyarrow.ChunkedArray`."""

Mask = NDArray[np.bool_]
"""Shape (rows,): which cells are meant."""

pc = cast(Any, pyarrow.compute)  # its functions are made at import
kinds = pa.types


def plain(column: Column) -> Column:
    """Take the cells out of dictionaries, runs, views and types of a database.

    Args:
        column: Arrow column of any type.

    Returns:
        The same cells; text is `string`, bytes are `binary`, a UUID is its text.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        inner = pa.chunked_array([each.storage for each in column.chunks], kind.storage_type)
        return _uuids(inner) if kind.extension_name == "arrow.uuid" else plain(inner)
    if kinds.is_dictionary(kind):
        return plain(column.cast(kind.value_type))
    if kinds.is_run_end_encoded(kind):
        return plain(pa.chunked_array([pc.run_end_decode(each) for each in column.chunks]))
    if kinds.is_string_view(kind) or kinds.is_large_string(kind):
        return column.cast(pa.string()) if column.nbytes < _STRING else column.cast(_LARGE)
    return _text_if_any(column)


def _text_if_any(column: Column) -> Column:
    """Bytes as text, if they are UTF-8: many writers do not say so."""
    kind = column.type
    views = (kinds.is_binary_view, kinds.is_large_binary, kinds.is_fixed_size_binary)
    found = column.cast(pa.binary()) if any(is_kind(kind) for is_kind in views) else column
    try:
        return found.cast(pa.string()) if kinds.is_binary(found.type) else found
    except pa.ArrowInvalid:
        return found


def united(parts: Sequence[Column]) -> Column:
    """Append columns of several files, which may store their cells in different ways.

    Args:
        parts: At least one column, each `plain`.

    Returns:
        One column: of their type, of numbers if all are numbers, of text otherwise.
    """
    types = {part.type for part in parts if not kinds.is_null(part.type)} or {pa.null()}
    if len(types) == 1:
        (kind,) = types
    elif all(is_number(each) for each in types):
        kind = pa.float64()
    else:
        return _appended([_written(part) for part in parts], pa.string())
    return _appended([part if part.type == kind else part.cast(kind) for part in parts], kind)


def is_text(kind: Any) -> bool:
    """Returns whether a type is text."""
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind))


def is_number(kind: Any) -> bool:
    """Returns whether a type is a number, or true and false."""
    tests = (kinds.is_integer, kinds.is_floating, kinds.is_decimal, kinds.is_boolean)
    return any(test(kind) for test in tests)


def in_words(kind: Any) -> str:
    """Returns what a column of a type holds, for people."""
    named = {
        "dates": (kinds.is_date,),
        "points in time": (kinds.is_timestamp, kinds.is_time),
        "durations": (kinds.is_duration, kinds.is_interval),
        "lists": (kinds.is_list, kinds.is_large_list, kinds.is_fixed_size_list),
        "text": (is_text, kinds.is_binary),
        "true and false": (kinds.is_boolean,),
        "floating-point numbers": (kinds.is_floating,),
    }
    return next(
        (name for name, tests in named.items() if any(is_(kind) for is_ in tests)), str(kind)
    )


def text_of(column: Column) -> tuple[Column, Mask]:
    """Write every cell as text.

    Args:
        column: A `plain` column.

    Returns:
        A column of `string`, and which cells are bytes that are not UTF-8: they are empty in it.
    """
    if not kinds.is_binary(column.type):
        return _written(column), np.zeros(len(column), np.bool_)
    try:
        return column.cast(pa.string()), np.zeros(len(column), np.bool_)
    except pa.ArrowInvalid:
        cells: list[bytes | None] = column.to_pylist()
        wrong = np.array([cell is not None and not _is_utf_8(cell) for cell in cells])
        kept = pc.if_else(pa.array(wrong), pa.scalar(None, pa.binary()), column)
        return kept.cast(pa.string()), wrong


def emptied(column: Column, texts: Sequence[str]) -> Column:
    """Returns a column of text in which cells that are one of the texts are empty."""
    means_empty = pc.is_in(column, pa.array(texts, column.type))
    return pc.if_else(means_empty, pa.scalar(None, column.type), column)


def blank(column: Column) -> Column:
    """Returns a column of text in which cells of nothing but spaces are empty, others trimmed."""
    return emptied(pc.utf8_trim_whitespace(column), ("",))


def mask(column: Column) -> Mask:
    """Returns a column of booleans as an array; an empty cell is False."""
    found: Mask = pc.fill_null(column, fill_value=False).to_numpy()
    return found


def _written(column: Column) -> Column:
    """The cells as text; a number with a decimal point keeps it."""
    kind = column.type
    if kinds.is_floating(kind):
        text = column.cast(pa.string())
        whole = pc.match_substring_regex(text, r"^[+-]?[0-9]+$")
        return pc.if_else(whole, pc.binary_join_element_wise(text, ".0", ""), text)
    if kinds.is_binary(kind):
        return text_of(column)[0]
    if is_text(kind) or is_number(kind) or kinds.is_null(kind) or kinds.is_temporal(kind):
        return column.cast(pa.string())
    return pa.chunked_array([pa.array(map(str, column.to_pylist()), pa.string())])


def _appended(parts: Sequence[Column], kind: Any) -> Column:
    return pa.chunked_array([chunk for part in parts for chunk in part.chunks], kind)


def _uuids(column: Column) -> Column:
    cells = (None if cell is None else str(uuid.UUID(bytes=cell)) for cell in column.to_pylist())
    return pa.chunked_array([pa.array(list(cells), pa.string())])


def _is_utf_8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


_STRING = 2**31 - 1  # bytes that a chunk of `string` can hold
_LARGE = pa.large_string()
