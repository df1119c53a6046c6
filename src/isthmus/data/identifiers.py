"""Normalisation of identifiers, so that two parties can compare them."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.data.features import Cells
from isthmus.data.numbers import whole_numbers
from isthmus.data.plain import Column, Mask, in_words, is_text, kinds, mask, pc, plain, text_of
from isthmus.data.spec import Normalisation

_POINT_ZERO = r"^\s*[+-]?[0-9]+\.0*\s*$"
_DECIMAL = r"^\s*[+-]?[0-9]+\.[0-9]*\s*$"
_SCIENTIFIC = r"^\s*[+-]?[0-9]+([.,][0-9]*[eE][+-]?|[eE][+-])[0-9]+\s*$"
"""As spreadsheets write large numbers; a code such as 12E34 has no sign and no point."""

_AS_TEXT = "Export the column as text."


def normalise(
    columns: Mapping[str, Cells], steps: Sequence[Normalisation]
) -> Mapping[str, Column] | None:
    """Normalise identifiers as the job declares.

    Both parties do this on their own rows. A whole number counts as its decimal text, a date as
    its text of ISO 8601, however a file stores them.

    Args:
        columns: Columns that together name a row, in the job's order.
        steps: What to do with each cell, in this order.

    Returns:
        Columns of text; None where a cell is empty or is no identifier, and problems say so.
    """
    texts = {name: _text(cells, steps) for name, cells in columns.items()}
    found = {name: text for name, text in texts.items() if text is not None}
    return found if len(found) == len(texts) else None


def joined(columns: Mapping[str, Column]) -> list[bytes]:
    """Make one key of the identifiers of each row.

    Args:
        columns: What `normalise` returned.

    Returns:
        One key per row, in UTF-8: two are equal exactly if all cells are.
    """
    texts = list(columns.values())
    whole = texts[0] if len(texts) == 1 else _join(texts)
    keys: list[bytes] = whole.cast(pa.binary()).to_pylist()
    return keys


def canonical(keys: Any) -> list[bytes]:
    """Make a key of each row that no job has a say in: all steps are taken, whatever it declares.

    Args:
        keys: The identifier columns as they are in the file, a `pyarrow.Table`.

    Returns:
        One key per row, in UTF-8; two rows may have the same.
    """
    texts = dict[str, Column]()
    for name in keys.column_names:
        texts[name], _ = text_of(plain(keys.column(name)))
        for step in _EVERY_STEP:
            texts[name] = _STEPS[step](texts[name])
    return joined(texts)


def _text(cells: Cells, steps: Sequence[Normalisation]) -> Column | None:
    before = len(cells.problems)
    column = _typed(cells)
    text, no_text = text_of(column)
    what = "the identifier"
    cells.refuse(no_text, "is not UTF-8", "are not UTF-8", ". Export the data as UTF-8.", what)
    for step in steps:
        text = _STEPS[step](text)
    empty = mask(pc.or_kleene(pc.is_null(text), pc.equal(text, ""))) & ~no_text
    empty |= mask(pc.is_null(text)) & ~no_text
    advice = ". Fill them in or remove these rows; `missing_values` lists texts that mean empty."
    cells.refuse(empty, "is empty", "are empty", advice, what)
    return text if len(cells.problems) == before else None


def _typed(cells: Cells) -> Column:
    """The column, if it can hold identifiers; problems say where it cannot."""
    column, declared = cells.column, cells.dataset.types.get(cells.name)
    kind = column.type
    if declared == "integer":
        return _whole(cells)
    if kinds.is_decimal(kind):
        return _without_zeros(cells)
    if kinds.is_floating(kind):
        cells.problems.add(
            f"the identifier {cells.name!r} holds floating-point numbers, which often comes from "
            "empty cells at export and loses digits of long ones. Export whole numbers or text; "
            f'if none is longer than 15 digits, set `types = {{ {cells.name} = "integer" }}`.'
        )
        return pc.if_else(pc.is_valid(column), "-", pa.scalar(None, pa.string()))
    plain = (is_text, kinds.is_binary, kinds.is_integer, kinds.is_date, kinds.is_null)
    if not any(is_kind(kind) for is_kind in plain):
        cells.problems.add(
            f"the identifier {cells.name!r} holds {in_words(kind)}, and identifiers are text, "
            f"whole numbers or dates. {_AS_TEXT}"
        )
    elif is_text(kind) and declared != "text":
        _refuse_altered(cells)
    return column


def _refuse_altered(cells: Cells) -> None:
    """Refuse what spreadsheets and data frames make of whole numbers."""
    what = "the identifier"
    scientific = mask(pc.match_substring_regex(cells.column, _SCIENTIFIC))
    cells.refuse(
        scientific,
        "is in scientific notation",
        "are in scientific notation",
        f"; that loses digits. {_AS_TEXT}",
        what,
    )
    zero = mask(pc.match_substring_regex(cells.column, _POINT_ZERO))
    some = mask(pc.match_substring_regex(cells.column, _DECIMAL))
    filled = len(cells.column) - cells.column.null_count
    all_decimal = filled and int(some.sum()) == filled
    cells.refuse(
        some if all_decimal else zero,
        "is a number with a decimal point",
        "are numbers with a decimal point",
        "; that often comes from empty cells at export. Export whole numbers or text; if they are "
        f'meant so, set `types = {{ {cells.name} = "text" }}`.',
        what,
    )


def _whole(cells: Cells) -> Column:
    """Whole numbers, where `types` declares a column so."""
    column = cells.column
    if is_text(column.type):
        found, right = whole_numbers(column)
    else:
        found, right = _exact(column)
    advice = f". Correct the data, or take {cells.name!r} out of `types`."
    one, many = "is no whole number", "are no whole numbers"
    cells.refuse(~right, one, many, advice, "the identifier")
    return _or_dash(found, right)


def _exact(column: Column) -> tuple[Column, Mask]:
    """Numbers as integers, and which cells are whole ones that none was rounded to, or empty."""
    if kinds.is_integer(column.type) or kinds.is_null(column.type):
        return column, np.ones(len(column), np.bool_)
    if not (kinds.is_floating(column.type) or kinds.is_decimal(column.type)):
        return column, np.zeros(len(column), np.bool_)
    values = column.cast(pa.float64(), safe=False)
    whole = pc.and_(pc.equal(values, pc.floor(values)), pc.less(pc.abs(values), float(2**53)))
    right = mask(whole) | mask(pc.is_null(column))
    kept = pc.if_else(pa.array(right), values, pa.scalar(None, pa.float64()))
    return kept.cast(pa.int64()), right


def _without_zeros(cells: Cells) -> Column:
    """Decimal numbers that are whole, without their zeros after the point."""
    column = cells.column
    text = column.cast(pa.string())
    right = mask(pc.match_substring_regex(text, r"^[+-]?[0-9]+(\.0*)?$")) | mask(pc.is_null(text))
    one, many = "is a number with digits after the point", "are numbers with digits after the point"
    cells.refuse(~right, one, many, ". Export whole numbers or text.", "the identifier")
    return pc.replace_substring_regex(text, r"\.0*$", "")


def _or_dash(column: Column, right: Mask) -> Column:
    """Text in which wrong cells, which are told of already, are not empty."""
    return pc.if_else(pa.array(right), text_of(column)[0], "-")


def _join(texts: Sequence[Column]) -> Column:
    # The length of each part goes before it, so that ("a", "bc") and ("ab", "c") stay different.
    parts = [pc.binary_join_element_wise(_length(text), text, ":") for text in texts]
    return pc.binary_join_element_wise(*parts, "")


def _length(text: Column) -> Column:
    return pc.binary_length(text).cast(pa.string())


_EVERY_STEP: Sequence[Normalisation] = ("nfkc", "lower", "trim")  # nfkc makes spaces of others

_STEPS: dict[Normalisation, Callable[[Column], Column]] = {
    "trim": pc.utf8_trim_whitespace,
    "lower": pc.utf8_lower,
    "nfkc": lambda text: pc.utf8_normalize(text, form="NFKC"),
}
