"""Columns of time: seconds or timestamps."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.core.arrays import Floats
from isthmus.multitask.feed.cells import Cells, Column, amounts, types


@dataclass(frozen=True)
class Moments:
    """Times of rows."""

    seconds: Floats
    """Since 1970, if `calendar`; otherwise since any time, shape (rows,)."""

    calendar: bool
    """Whether they were timestamps."""


def moments(column: Column) -> Moments:
    """Convert a column of times.

    Args:
        column: Numbers of seconds, timestamps, dates, or one of them as text.

    Returns:
        The times.

    Raises:
        SpecError: It is of another type, or a cell is empty.
    """
    kind = column.cells.type
    text = types.is_string(kind) or types.is_large_string(kind)
    cells = _of_text(column) if text else column.cells
    if cells.null_count:
        raise column.error(
            f"has {cells.null_count} empty cells among {len(cells)}", "Every row needs a time."
        )
    if types.is_timestamp(cells.type) or types.is_date(cells.type):
        zone = cells.type.tz if types.is_timestamp(cells.type) else None
        exact = cells.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
        return Moments(exact.to_numpy(zero_copy_only=False) / 1e6, calendar=True)
    return Moments(amounts(Column(cells, column.name, column.where)), calendar=False)


def _of_text(column: Column) -> Cells:
    kinds: list[Any] = [pa.float64(), pa.timestamp("us"), pa.timestamp("us", "UTC")]
    for kind in kinds:
        try:
            return column.cells.cast(kind)
        except pa.ArrowException:
            continue
    raise column.error(
        "should hold seconds or timestamps such as 2026-01-31 23:59:59, but holds other text",
        "Correct the file, or `time` in the job.",
    )


def steps_of(clock: Floats, until: Floats) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Find the rows by which times have come.

    Args:
        clock: Times of rows, rising, in seconds.
        until: Times, none after that of the last row.

    Returns:
        For each of `until` the last of the first rows that share a time not before it.
    """
    first = clock[np.searchsorted(clock, until)]
    return np.searchsorted(clock, first, side="right") - 1
