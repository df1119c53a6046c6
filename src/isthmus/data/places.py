"""Where the rows of a data set stand, for sentences about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.data.plain import Mask


@dataclass(frozen=True)
class Part:
    """Consecutive rows of a data set: those of one file, or of a query."""

    rows: int
    path: Path | None = None
    line_of: Callable[[int], int | None] | None = None
    """Finds the line of a row; None where rows are no lines."""


@dataclass(frozen=True)
class Places:
    """The place of each row."""

    parts: Sequence[Part]
    positions: Integers | None = None
    """Which rows of the parts are meant, shape (rows,); None: all."""

    def take(self, rows: Integers) -> "Places":
        """Returns the places of these rows."""
        return replace(self, positions=rows if self.positions is None else self.positions[rows])

    def first(self, which: Mask) -> str:
        """Returns the place of the first of some rows, for example "line 61"."""
        row = int(np.flatnonzero(which)[0])
        row = row if self.positions is None else int(self.positions[row])
        ends = np.cumsum([part.rows for part in self.parts])
        number = int(np.searchsorted(ends, row, side="right"))
        part = self.parts[number]
        row -= int(ends[number]) - part.rows
        line = None if part.line_of is None else part.line_of(row)
        place = f"row {row + 1:,}" if line is None else f"line {line:,}"
        several = len(self.parts) > 1 and part.path is not None
        return f"{place} of {part.path.name}" if several and part.path else place
