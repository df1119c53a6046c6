"""Conversion of columns of a file to numbers: features, categories and labels."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data.sources import Column
from isthmus.data.spec import LARGEST, Dataset

pc = cast(Any, pyarrow.compute)  # its functions are made at import


def refuse_constant(values: Floats, name: str, path: Path) -> None:
    """Refuse a training column with one single value.

    Args:
        values: Shape (rows,); empty cells are NaN.
        name: Name of the column.
        path: Its file, for the error.

    Raises:
        SpecError: All rows have the same value, or all are empty.
    """
    _refuse_empty(values, name, path)
    if values.min() == values.max():  # False if a cell is NaN
        raise SpecError(
            f"{path}: column {name!r} has one single value in all {len(values)} rows, so that "
            "nothing can be learnt from it. Leave it out of `columns`."
        )


def categories(column: Column) -> tuple[str, ...]:
    """Returns the categories of a training column, sorted."""
    found: list[str] = pc.unique(column.cast(pa.string())).drop_null().to_pylist()
    return tuple(sorted(found))


def category(
    column: Column, name: str, dataset: Dataset, path: Path, known: tuple[str, ...]
) -> Floats:
    """Convert a categorical column to numbers of categories.

    Args:
        column: Arrow column of shape (rows,).
        name: Its name.
        dataset: Its table in the party file.
        path: The file, for the errors.
        known: The categories of the training rows.

    Returns:
        Shape (rows,); NaN for empty cells and for categories that are not known.

    Raises:
        SpecError: Cells are empty, and `missing` of the dataset is not "keep".
    """
    empty = column.null_count
    if empty and dataset.missing != "keep":
        raise SpecError(
            f"{path}: column {name!r} is empty in {empty} of {len(column)} rows, and names have no "
            'mean. Set `missing` to "keep", or leave the column out of `columns`.'
        )
    numbers = pc.index_in(column.cast(pa.string()), pa.array(known, pa.string()))
    values: Floats = numbers.cast(pa.float64()).to_numpy()
    return values


def feature(
    column: Column, name: str, dataset: Dataset, path: Path, mean: float | None
) -> tuple[Floats, float]:
    """Convert a feature column to numbers.

    Args:
        column: Arrow column of shape (rows,).
        name: Its name.
        dataset: Its table in the party file.
        path: The file, for the errors.
        mean: Mean of the same column of the training rows, if these are rows to score.

    Returns:
        Shape (rows,); NaN for empty cells, if `missing` of the dataset is "keep". And the mean of
        the cells that are not empty, or of those of the training rows.

    Raises:
        SpecError: Cells are not numbers, or are empty although `missing` is "error".
    """
    values = _numbers(
        column, name, path, "Encode it as numbers, name it in `categorical`, or leave it out."
    )
    if mean is None:
        _refuse_empty(values, name, path)
        mean = float(np.nanmean(values))
    missing = np.isnan(values)
    count = int(missing.sum())
    if not count or dataset.missing == "keep":
        return values, mean
    if dataset.missing == "error":
        raise SpecError(
            f"{path}: column {name!r} is empty in {count} of {len(values)} rows. Set `missing` to "
            '"mean", to "keep" or to a number, or leave the column out of `columns`.'
        )
    return np.where(missing, mean if dataset.missing == "mean" else dataset.missing, values), mean


def label(
    column: Column, name: str, path: Path, what: str = "label", *, required: bool = True
) -> Floats:
    """Convert a column of labels, or of row weights, to numbers.

    Args:
        column: Arrow column of shape (rows,).
        name: Its name.
        path: Its file, for the errors.
        what: What the column is, for the errors.
        required: Whether every row must have one.

    Returns:
        Shape (rows,); NaN where a cell is empty and need not be filled.

    Raises:
        SpecError: Cells are not numbers, or are empty and must not be.
    """
    values = _numbers(column, name, path, "Encode it as numbers, for example as 0 and 1.")
    missing = int(np.isnan(values).sum())
    if missing and required:
        raise SpecError(
            f"{path}: the {what} {name!r} is empty in {missing} of {len(values)} rows. Remove "
            "these rows."
        )
    return values


def _refuse_empty(values: Floats, name: str, path: Path) -> None:
    if np.isnan(values).all():
        raise SpecError(
            f"{path}: column {name!r} is empty in all {len(values)} rows. Leave it out of "
            "`columns`."
        )


def _numbers(column: Column, name: str, path: Path, advice: str) -> Floats:
    kinds = pa.types
    known = (kinds.is_integer, kinds.is_floating, kinds.is_decimal, kinds.is_boolean, kinds.is_null)
    if not any(is_kind(column.type) for is_kind in known):
        raise SpecError(f"{path}: column {name!r} holds {column.type}, not numbers. {advice}")
    values: Floats = column.cast(pa.float64(), safe=False).to_numpy()
    infinite = int((np.abs(values) > LARGEST).sum())
    if infinite:
        raise SpecError(
            f"{path}: column {name!r} is infinite in {infinite} of {len(values)} rows, or beyond "
            f"{LARGEST:g}. Replace these cells by numbers, or leave them empty."
        )
    return values
