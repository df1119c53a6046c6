"""Binning of columns: `fit` finds bins on training rows, `encode` replaces values by bin numbers.

A column has at most as many bins as asked for, and one more, the last, for missing values. Only the
owner of a column knows what its bins mean.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bins, Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.data.table import Table

MAX_BINS = 127
"""Most bins of a column, without the bin of missing values: a bin's number is an int8."""


class Numeric(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Bins of a column of numbers: bin i ends with `ends[i]`, and the last bin has no end."""

    name: str
    ends: list[float]

    @property
    def bins(self) -> int:
        """Number of bins, with the bin of missing values."""
        return len(self.ends) + 2

    def __call__(self, values: Floats) -> NDArray[np.int8]:
        """Returns the bin of each value, shape (rows,); NaN is missing."""
        place = np.searchsorted(self.ends, values, side="left")
        return np.where(np.isnan(values), self.bins - 1, place).astype(np.int8)


class Categorical(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Bins of a categorical column: bin 0 is the most frequent category, rare ones share a bin."""

    name: str
    bin_of: dict[str, int]

    @property
    def bins(self) -> int:
        """Number of bins, with the bin of missing values."""
        return max(self.bin_of.values()) + 2

    def __call__(self, values: Floats, categories: Sequence[str]) -> NDArray[np.int8]:
        """Returns the bin of each value.

        Args:
            values: Numbers of categories, shape (rows,); NaN is missing.
            categories: Names of the categories, by number.

        Returns:
            Shape (rows,); categories that no training row has are in the bin of missing values.
        """
        missing = self.bins - 1
        place = np.array([*(self.bin_of.get(name, missing) for name in categories), missing])
        number = np.where(np.isnan(values), len(categories), values).astype(np.int64)
        return place[number].astype(np.int8)


Binning = Numeric | Categorical


def fit(table: Table, bins: int) -> list[Binning]:
    """Find the bins of all columns.

    Args:
        table: One party's training rows.
        bins: Most bins of a column, from 2 to `MAX_BINS`, without the bin of missing values.

    Returns:
        The bins of each column.

    Raises:
        SpecError: A column is empty, or has one single value.
    """
    found = list[Binning]()
    for name, values in zip(table.names, table.features.T, strict=True):
        _check(name, values)
        if name in table.categories:
            found.append(_categorical(name, values, table.categories[name], bins))
        else:
            found.append(Numeric(name, _ends(values, bins)))
    return found


def encode(binnings: Sequence[Binning], table: Table) -> Bins:
    """Returns the bin number of every value of a table.

    Args:
        binnings: Bins of each column of the table.
        table: Rows of the party that found the bins.

    Returns:
        Shape (rows, columns), in Fortran order: each column is contiguous in memory.

    Raises:
        SpecError: The table has other columns.
    """
    names = tuple(binning.name for binning in binnings)
    if names != table.names:
        raise SpecError(
            f"these rows have {len(table.names)} columns which are not the {len(names)} that the "
            "model was trained on, in the same order. Give both data sets the same `columns`."
        )
    bins = np.empty((len(binnings), len(table)), np.int8)
    for place, binning, values in zip(bins, binnings, table.features.T, strict=True):
        if isinstance(binning, Categorical):
            place[:] = binning(values, table.categories[binning.name])
        else:
            place[:] = binning(values)
    return bins.T


def _check(name: str, values: Floats) -> None:
    present = values[~np.isnan(values)]
    if len(present) == 0:
        fault = "is empty in all"
    elif len(present) == len(values) and np.ptp(present) == 0:
        fault = "has one single value on all"
    else:
        return
    raise SpecError(
        f"column {name!r} {fault} {len(values)} aligned training rows, so that nothing can be "
        "learnt from it: leave it out of `columns` in your party file."
    )


def _ends(values: Floats, bins: int) -> list[float]:
    """Returns the ends of bins: halfway between the largest value of a bin and the next value."""
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    few = len(distinct) <= bins
    last = np.arange(len(distinct) - 1) if few else _quantiles(counts.cumsum(), bins)
    low, high = distinct[last], distinct[last + 1]
    middle = low + (high - low) / 2
    # There is no number between neighbouring floats: then the bin ends with the lower one.
    ends: list[float] = np.where(middle < high, middle, low).tolist()
    return ends


def _quantiles(below: Integers, bins: int) -> Integers:
    """Returns which distinct values are the last of a bin.

    Each bin takes an equal share of the rows that are left. So the others do not get fewer bins
    where one frequent value fills several shares.

    Args:
        below: Number of rows at or below each distinct value.
        bins: Most bins.

    Returns:
        Positions of the distinct values.
    """
    last, done, rows = list[int](), 0, int(below[-1])
    for left in range(bins, 1, -1):
        share = done + (rows - done) / left
        at = int(np.searchsorted(below, share))
        before = int(below[at - 1]) if at else 0
        if before > done and share - before < below[at] - share:
            at -= 1  # the value before is nearer to the share
        if at == len(below) - 1:
            break
        last.append(at)
        done = int(below[at])
    return np.array(last, np.int64)


def _categorical(name: str, values: Floats, categories: Sequence[str], bins: int) -> Categorical:
    numbers = values[~np.isnan(values)].astype(np.int64)
    tally = zip(categories, np.bincount(numbers, minlength=len(categories)).tolist(), strict=True)
    seen = [(-count, category) for category, count in tally if count > 0]
    return Categorical(
        name, {category: min(at, bins - 1) for at, (_, category) in enumerate(sorted(seen))}
    )
