"""Numbers that the cells of a column hold, however they are stored."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from isthmus.core.arrays import Floats
from isthmus.data.plain import (
    Column,
    Mask,
    blank,
    in_words,
    is_number,
    is_text,
    kinds,
    mask,
    pc,
    text_of,
)

_WHOLE = r"^[+-]?[0-9]+$"
_TOO_LARGE = 2**63
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:inf|infinity|nan)$"
_BOOLEAN = r"^(?i:true|false)$"
_GROUPED = r"^[+-]?[0-9]{1,3}([ ,.'\x{2019}\x{a0}\x{202f}][0-9]{3})+([.,][0-9]+)?$"
_COMMA = r"^[+-]?[0-9]+,[0-9]+$"

_LOOKS_LIKE = {
    "dates": r"^[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([ T].*)?$",
    "words": r"^(?i:y|n|t|f|yes|no|true|false|ja|nein|oui|non)$",
    "signs": r"^[+-]?[0-9][0-9.,]*\s?(%|[A-Z]{3}|\p{Sc})$|^([A-Z]{3}|\p{Sc})\s?[+-]?[0-9][0-9.,]*$",
}
_ADVICE = {
    "comma": 'have a decimal comma: set `decimal = ","`',
    "grouped": "have signs between thousands: export them without",
    "dates": "look like dates: turn them into numbers, such as years or days",
    "words": "are words such as yes and no: encode them as 1 and 0",
    "signs": "carry a sign such as % or a currency: export plain numbers",
}


@dataclass(frozen=True)
class Numbers:
    """What the cells of a column hold."""

    values: Floats
    """Shape (rows,); NaN where a cell is empty or no number."""

    wrong: Mask
    """Cells that are no numbers, shape (rows,)."""

    filled: int
    """Cells that are not empty."""

    holds: str
    """What the column holds, in a word."""

    looks: str
    """What to do about the wrong cells, if nearly all of them are of one form; or nothing."""


def numbers(column: Column, decimal: Literal[".", ","] = ".") -> Numbers:
    """Read the numbers of a column.

    Args:
        column: A `plain` column of any type.
        decimal: The decimal point of numbers in text.

    Returns:
        The numbers, and the cells that hold something else.
    """
    kind = column.type
    filled = len(column) - column.null_count
    if is_number(kind) or kinds.is_null(kind):
        values: Floats = column.cast(pa.float64(), safe=False).to_numpy()
        return Numbers(values, np.zeros(len(column), np.bool_), filled, in_words(kind), "")
    if not is_text(kind) and not kinds.is_binary(kind):
        nothing = np.full(len(column), np.nan)
        return Numbers(nothing, mask(pc.is_valid(column)), filled, in_words(kind), "")
    text, no_text = text_of(column)
    text = blank(text)
    text = _truths(text)
    plain = text if decimal == "." else pc.replace_substring(text, ",", ".")
    right = pc.match_substring_regex(plain, _NUMBER)
    if decimal == ",":  # then a point parts thousands, if anything
        right = pc.and_(right, pc.invert(pc.match_substring(text, ".")))
    found = pc.if_else(right, pc.replace_substring_regex(plain, r"^\+", ""), _none(plain))
    wrong = mask(pc.invert(right)) | no_text
    values = found.cast(pa.float64()).to_numpy()
    filled = len(text) - text.null_count + int(no_text.sum())
    looks = _looks(text.filter(pa.array(wrong)), decimal)
    return Numbers(values, wrong, filled, "text", looks)


def whole_numbers(text: Column) -> tuple[Column, Mask]:
    """Read whole numbers that are written as text.

    Args:
        text: A column of text.

    Returns:
        The numbers as `int64`, and which cells are one, or empty; the others are empty.
    """
    trimmed = blank(text)
    right = mask(pc.match_substring_regex(trimmed, _WHOLE)) | mask(pc.is_null(trimmed))
    digits = pc.replace_substring_regex(trimmed, r"^\+", "")
    found = pc.if_else(pa.array(right), digits, _none(digits))
    try:
        return found.cast(pa.int64()), right
    except pa.ArrowInvalid:  # one of them is too large
        fits = [each is None or abs(int(each)) < _TOO_LARGE for each in found.to_pylist()]
        right &= np.array(fits)
        return pc.if_else(pa.array(right), found, _none(found)).cast(pa.int64()), right


def distinct(column: Column, which: Mask) -> int:
    """Returns how many different cells there are among some of a column of text."""
    count: int = pc.count_distinct(column.filter(pa.array(which)), mode="only_valid").as_py()
    return count


def _truths(text: Column) -> Column:
    """A column of nothing but true and false as 1 and 0, as in CSV."""
    if len(text) == text.null_count:
        return text
    if pc.all(pc.match_substring_regex(text, _BOOLEAN)).as_py() is not True:
        return text
    true = pc.equal(pc.utf8_lower(text), "true")
    return pc.if_else(true, "1", pc.if_else(pc.is_valid(text), "0", _none(text)))


def _looks(wrong: Column, decimal: str) -> str:
    cells = len(wrong) - wrong.null_count
    if not cells:
        return ""

    def are(pattern: str) -> bool:
        count: int = pc.sum(pc.match_substring_regex(wrong, pattern)).as_py() or 0
        return bool(count >= _NEARLY_ALL * cells)

    if are(_COMMA) and decimal == ".":
        return _ADVICE["comma"]
    if are(_GROUPED):
        return _ADVICE["grouped"]
    return next((_ADVICE[name] for name, pattern in _LOOKS_LIKE.items() if are(pattern)), "")


def _none(like: Column) -> Any:
    return pa.scalar(None, like.type)


_NEARLY_ALL = 0.9
