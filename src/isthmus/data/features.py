"""Conversion of columns of a data set to numbers: features, categories and labels.

What is wrong with a column becomes a sentence, so that all columns are told of at once.
"""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from isthmus.core.arrays import Floats
from isthmus.data.numbers import Numbers, distinct, numbers
from isthmus.data.places import Places
from isthmus.data.plain import Column, Mask, pc, text_of
from isthmus.data.problems import Problems
from isthmus.data.spec import LARGEST, Dataset

_A_FEW = 3  # texts that may stand for empty cells
_MANY = 10  # numbers beyond which they are amounts rather than codes
_NEARLY_ALL = 0.95
_TIMES = {"dates", "points in time", "durations"}


@dataclass(frozen=True)
class Cells:
    """One column, and all that sentences about it need."""

    name: str
    column: Column
    dataset: Dataset
    places: Places
    problems: Problems
    numbers_only: bool = False
    """Whether the model takes neither categories nor empty cells."""

    def refuse(self, which: Mask, one: str, many: str, advice: str, what: str = "column") -> None:
        """Add a problem with some cells.

        Args:
            which: The cells.
            one: What one such cell is.
            many: What several are.
            advice: What to do: a sentence, or what follows a semicolon.
            what: What the column is.
        """
        count, rows = int(which.sum()), len(which)
        if not count:
            return
        if count == rows > 1:
            fault = f"all {rows:,} cells {many}"
        else:
            fault = (
                f"{count:,} of {rows:,} cells {one if count == 1 else many}, "
                f"{'' if count == 1 else 'the first '}in {self.places.first(which)}"
            )
        self.problems.add(f"{what} {self.name!r}: {fault}{advice}")


def refuse_constant(cells: Cells, values: Floats) -> None:
    """Refuse a training column with one single value.

    Args:
        cells: The column.
        values: Its numbers, shape (rows,); empty cells are NaN.
    """
    if np.isnan(values).all():
        _refuse_empty(cells, values)
    elif values.min() == values.max():  # False if a cell is NaN
        cells.problems.add(
            f"column {cells.name!r} has one single value in all {len(values):,} rows, so that "
            "nothing can be learnt from it. Leave it out of `columns`."
        )


def categories(column: Column) -> tuple[str, ...]:
    """Returns the categories of a training column, sorted."""
    found: list[str] = pc.unique(text_of(column)[0]).drop_null().to_pylist()
    return tuple(sorted(found))


def category(cells: Cells, known: tuple[str, ...]) -> Floats:
    """Convert a categorical column to numbers of categories.

    Args:
        cells: The column.
        known: The categories of the training rows.

    Returns:
        Shape (rows,); NaN for empty cells and for categories that are not known.
    """
    text, no_text = text_of(cells.column)
    cells.refuse(no_text, "is not UTF-8", "are not UTF-8", ". Export the data as UTF-8.")
    numbers = pc.index_in(text, pa.array(known, pa.string()))
    values: Floats = numbers.cast(pa.float64()).to_numpy()
    if cells.dataset.missing != "keep":
        empty = np.asarray(pc.is_null(text)) & ~no_text
        advice = '; names have no mean. Set `missing` to "keep", or leave it out of `columns`.'
        cells.refuse(empty, "is empty", "are empty", advice)
    return values


def refuse_unknown(cells: Cells, values: Floats) -> None:
    """Refuse a categorical column to score that shares no category with the training rows.

    A few rows may well hold new names only, and count as empty there.

    Args:
        cells: The column.
        values: Numbers of its categories; NaN where one is empty or not known.
    """
    filled = len(values) - cells.column.null_count
    if filled >= _MANY and np.isnan(values).all():
        cells.problems.add(
            f"column {cells.name!r}: none of its {filled:,} cells holds a category that was there "
            "in training, so it is coded in another way now. Code it as it was then."
        )


def doubt(cells: Cells) -> str | None:
    """Ask whether a categorical column is one of amounts with a text for empty cells.

    Args:
        cells: The column.

    Returns:
        A sentence, or None where there is no doubt.
    """
    found = numbers(cells.column, cells.dataset.decimal or ".")
    count = int(found.wrong.sum())
    if not count or found.filled - count < _NEARLY_ALL * found.filled:
        return None
    text = text_of(cells.column)[0]
    amounts = distinct(text, ~found.wrong)
    if distinct(text, found.wrong) > _A_FEW or amounts <= _MANY:
        return None
    others = "the other one" if count == 1 else f"the first of {count:,} others"
    return (
        f"column {cells.name!r} is `categorical`, and {found.filled - count:,} of its "
        f"{found.filled:,} cells are numbers, {amounts:,} different ones; {others} is in "
        f"{cells.places.first(found.wrong)}. If that means empty, add it to `missing_values`, and "
        "take the column out of `categorical`"
    )


def feature(cells: Cells, mean: float | None) -> tuple[Floats, float]:
    """Convert a feature column to numbers.

    Args:
        cells: The column.
        mean: Mean of the same column of the training rows, if these are rows to score.

    Returns:
        Shape (rows,); NaN for empty cells, if `missing` of the dataset is "keep". And the mean of
        the cells that are not empty, or of those of the training rows.
    """
    found = _numbers(cells, _advice(cells), "column")
    values, missing = found.values, np.isnan(found.values) & ~found.wrong
    if missing.all():
        if mean is None:
            _refuse_empty(cells, values)
            return values, 0.0
    elif mean is None:
        mean = float(np.nanmean(values)) if not np.isnan(values).all() else 0.0
    handled = cells.dataset.missing
    if handled == "error" or (handled == "keep" and cells.numbers_only):
        _refuse_missing(cells, missing)
    if not missing.any() or (isinstance(handled, str) and handled != "mean"):
        return values, mean or 0.0
    filled = mean if handled == "mean" else handled
    return np.where(missing, filled, values), mean or 0.0


def label(cells: Cells, what: str = "label", *, required: bool = True) -> Floats:
    """Convert a column of labels, of weights or of offsets to numbers.

    Args:
        cells: The column.
        what: What it is, for the errors.
        required: Whether every row must have one.

    Returns:
        Shape (rows,); NaN where a cell is empty and need not be filled.
    """
    advice = "encode it as numbers, for example as 0 and 1"
    found = _numbers(cells, advice, f"the {what}")
    if required:
        missing = np.isnan(found.values) & ~found.wrong
        cells.refuse(missing, "is empty", "are empty", ". Remove these rows.", f"the {what}")
    return found.values


def exposure(cells: Cells) -> Floats:
    """Convert a column of exposures to numbers above zero; others become a problem.

    Args:
        cells: The column.

    Returns:
        Shape (rows,).
    """
    values = label(cells, "exposure")
    nothing = values <= 0
    advice = ". Remove these rows: nothing can happen in no time."
    cells.refuse(nothing, "is 0 or less", "are 0 or less", advice, "the exposure")
    return np.where(values > 0, values, 1.0)


def _numbers(cells: Cells, advice: str, what: str) -> Numbers:
    found = numbers(cells.column, cells.dataset.decimal or ".")
    count = int(found.wrong.sum())
    if count and count == found.filled:
        if found.holds in _TIMES and not found.looks:
            advice = "turn them into numbers, such as years or days"
        looks = f"; they {found.looks}" if found.looks else f": {advice}"
        cells.problems.add(
            f"{what} {cells.name!r} holds {found.holds}, not numbers{looks}"
            + (", or leave it out of `columns`." if what == "column" else ".")
        )
    elif found.looks:
        cells.refuse(found.wrong, "is no number", "are no numbers", f"; they {found.looks}.", what)
    else:
        one = "; if it means empty, add it to `missing_values`."
        many = "; if they mean empty, add their texts to `missing_values`."
        cells.refuse(
            found.wrong, "is no number", "are no numbers", one if count == 1 else many, what
        )
    infinite = np.abs(found.values) > LARGEST
    cells.refuse(
        infinite,
        f"is infinite or beyond {LARGEST:g}",
        f"are infinite or beyond {LARGEST:g}",
        ". Replace what is no amount by numbers, or leave it empty.",
        what,
    )
    return found


def _advice(cells: Cells) -> str:
    if cells.numbers_only:
        return "encode it as numbers, such as a flag for each frequent value"
    return "name it in `categorical`, or encode it as numbers"


def _refuse_empty(cells: Cells, values: Floats) -> None:
    cells.problems.add(
        f"column {cells.name!r} is empty in all {len(values):,} rows. Leave it out of `columns`."
    )


def _refuse_missing(cells: Cells, missing: Mask) -> None:
    keep = "" if cells.numbers_only else '"keep", '
    advice = f'. Set `missing` to {keep}"mean" or a number, or leave the column out of `columns`.'
    cells.refuse(missing, "is empty", "are empty", advice)
