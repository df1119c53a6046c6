"""Cells of batches as a job means their columns: what they hold counts, not how it is stored.

None of the sentences quotes a cell.
"""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from isthmus.core.errors import SpecError
from isthmus.data import csv_lines
from isthmus.data.kinds import IN_WORDS, Kind
from isthmus.data.numbers import numbers, whole_numbers
from isthmus.data.plain import Column, Mask, is_text, kinds, plain, text_of
from isthmus.data.spec import Dataset

Batch = Any
"""A `pyarrow.RecordBatch`."""


def as_meant(batch: Batch, columns: Mapping[str, Kind], where: str, before: int) -> Batch:
    """Convert the columns of a batch of a file whose columns have types.

    Args:
        batch: The rows.
        columns: What its columns hold.
        where: The file.
        before: Rows of the file before these.

    Returns:
        The same rows: text of numbers as numbers, dictionaries and views as what is in them; lists
        and what cannot be converted as they are.

    Raises:
        SpecError: Text in a column of numbers is none.
    """
    found = list[Any]()
    for name, kind in columns.items():
        cells = batch.column(name)
        if _is_list(cells.type):
            found.append(cells)
            continue
        column, wrong = _converted(plain(pa.chunked_array([cells])), kind)
        if wrong is not None and wrong.any():
            row = before + int(np.flatnonzero(wrong)[0]) + 1
            raise SpecError(
                f"{where}: column {name!r} does not hold {IN_WORDS[kind]} in row {row:,}. Correct "
                "the file, or say in the job what the column is."
            )
        found.append(column.combine_chunks())
    return pa.record_batch(found, names=list(columns))


def about_cells(path: Path, dataset: Dataset, name: str, kind: Kind, options: Any) -> str | None:
    """Look again at a column of CSV in which a cell could not be read.

    Args:
        path: The file.
        dataset: How to read it.
        name: The column.
        kind: What it holds.
        options: How lines are cut into cells.

    Returns:
        A sentence about its cells; None where all of them seem right.
    """
    rows = count = 0
    first = None
    for column in _as_written(path, dataset, name, options):
        wrong = _wrong(column, kind, dataset)
        if first is None and wrong.any():
            first = rows + int(np.flatnonzero(wrong)[0])
        rows, count = rows + len(wrong), count + int(wrong.sum())
    if first is None:
        return None
    line = csv_lines.line_of(path, dataset.delimiter, first)
    place = f"row {first + 1:,}" if line is None else f"line {line:,}"
    one = count == 1
    what = "text in UTF-8" if kind in {"text", "any", "time"} else IN_WORDS[kind]
    advice = (
        "Export the file as CSV in UTF-8."
        if what == "text in UTF-8"
        else f"If {'it means' if one else 'they mean'} empty, add {'it' if one else 'their texts'} "
        "to `missing_values`; otherwise correct the file, or say in the job what the column is."
    )
    return (
        f"column {name!r}: {count:,} of {rows:,} cells {'does' if one else 'do'} not hold {what}, "
        f"{'' if one else 'the first '}in {place}. {advice}"
    )


def _as_written(path: Path, dataset: Dataset, name: str, options: Any) -> Iterator[Column]:
    converting = csv.ConvertOptions(
        include_columns=[name],
        column_types={name: pa.binary()},
        null_values=list(dataset.missing_values),
        strings_can_be_null=True,
    )
    with csv.open_csv(path, parse_options=options, convert_options=converting) as reader:
        for batch in reader:
            yield pa.chunked_array([batch.column(0)])


def _wrong(column: Column, kind: Kind, dataset: Dataset) -> Mask:
    text, wrong = text_of(column)
    if kind == "integer":
        wrong = wrong | ~whole_numbers(text)[1]
    elif kind == "number":
        wrong = wrong | numbers(text, dataset.decimal or ".").wrong
    return wrong


def _converted(column: Column, kind: Kind) -> tuple[Column, Mask | None]:
    stored = column.type
    if kinds.is_decimal(stored) and stored.scale == 0 and kind in {"integer", "any"}:
        column = column.cast(pa.string())
    elif not is_text(stored):
        return column, None
    if kind == "integer":
        found, right = whole_numbers(column)
        return found, ~right
    if kind == "number":
        read = numbers(column)
        empty = np.isnan(read.values)
        return pa.chunked_array([pa.array(read.values, mask=empty)]), read.wrong
    return column, None


def _is_list(kind: Any) -> bool:
    tests = (kinds.is_list, kinds.is_large_list, kinds.is_fixed_size_list)
    return any(is_one(kind) for is_one in tests)
