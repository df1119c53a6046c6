"""Normalisation of identifiers, so that two parties can compare them."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from isthmus.core.errors import SpecError
from isthmus.data.sources import Column
from isthmus.data.spec import Normalisation

pc = cast(Any, pyarrow.compute)

_DECIMAL = r"^[+-]?[0-9]+\.[0-9]*$"


def normalise(
    columns: Mapping[str, Column], steps: Sequence[Normalisation], path: Path
) -> list[bytes]:
    """Normalise identifiers as the job declares.

    Both parties do this on their own rows: two keys are equal exactly if all cells are equal after
    the steps. An integer counts as its decimal text.

    Args:
        columns: Arrow columns that together name a row, each of shape (rows,), in the job's order.
        steps: What to do with each cell, in this order.
        path: The file that the columns come from, for the errors.

    Returns:
        One key per row, in UTF-8.

    Raises:
        SpecError: A cell is empty, or a column holds neither text nor whole numbers.
    """
    texts = [_text(column, steps, name, path) for name, column in columns.items()]
    joined = texts[0] if len(texts) == 1 else _join(texts)
    keys: list[bytes] = joined.cast(pa.binary()).to_pylist()
    return keys


def _text(column: Column, steps: Sequence[Normalisation], name: str, path: Path) -> Column:
    _refuse_decimals(column, name, path)
    text = column.cast(pa.string())
    for step in steps:
        text = _STEPS[step](text)
    empty = text.null_count + (pc.sum(pc.equal(text, "")).as_py() or 0)
    if empty:
        raise SpecError(
            f"{path}: {empty} of {len(text)} rows have no identifier in column {name!r}. Fill them "
            "in or remove these rows; `missing_values` lists the texts that count as empty."
        )
    return text


def _refuse_decimals(column: Column, name: str, path: Path) -> None:
    kinds = pa.types
    if kinds.is_string(column.type) or kinds.is_large_string(column.type):
        decimal = pc.all(pc.match_substring_regex(column, _DECIMAL)).as_py()
        if decimal is not True or column.null_count == len(column):
            return
    elif kinds.is_integer(column.type) or kinds.is_null(column.type):
        return
    elif not kinds.is_floating(column.type) and not kinds.is_decimal(column.type):
        raise SpecError(
            f"{path}: column {name!r} holds {column.type}, but identifiers are text or whole "
            "numbers. Export it as text."
        )
    raise SpecError(
        f"{path}: the identifiers in column {name!r} are numbers with a decimal point, which often "
        "comes from empty cells at export. Export them as whole numbers or as text."
    )


def _join(texts: Sequence[Column]) -> Column:
    # The length of each part goes before it, so that ("a", "bc") and ("ab", "c") stay different.
    parts = [pc.binary_join_element_wise(_length(text), text, ":") for text in texts]
    return pc.binary_join_element_wise(*parts, "")


def _length(text: Column) -> Column:
    return pc.binary_length(text).cast(pa.string())


_STEPS: dict[Normalisation, Callable[[Column], Column]] = {
    "trim": pc.utf8_trim_whitespace,
    "lower": pc.utf8_lower,
    "nfkc": lambda text: pc.utf8_normalize(text, form="NFKC"),
}
