"""Prepared columns: what each is made of, stored with the model and made again of rows to score.

Every kind says how one column of numbers comes from one column of the data set; all that it needs
was found on training rows. Empty cells are NaN, and so are categories that no training row had.
"""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.data.binning import Categorical, Numeric
from isthmus.data.table import Table


class Number(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A column of numbers, with its empty cells filled."""

    name: str
    fill: float | None = None  # None: there was no step for empty cells

    @property
    def source(self) -> str:
        """The column of the data set that it comes from."""
        return self.name

    def __call__(self, values: Floats, _categories: Sequence[str]) -> Floats:
        """Returns the prepared column, shape (rows,)."""
        return values if self.fill is None else np.where(np.isnan(values), self.fill, values)


class EmptyFlag(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """1 where a cell of a column is empty."""

    name: str
    source: str

    def __call__(self, values: Floats, _categories: Sequence[str]) -> Floats:
        """Returns the prepared column, shape (rows,)."""
        return np.where(np.isnan(values), 1.0, 0.0)


class Flag(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """1 where a category is the one named, or, of the rest, where it is none of those named."""

    name: str
    source: str
    categories: list[str]
    rest: bool = False

    def __call__(self, values: Floats, categories: Sequence[str]) -> Floats:
        """Returns the prepared column, shape (rows,)."""
        named = set(self.categories)
        numbers = [at for at, name in enumerate(categories) if name in named]
        return np.where(np.isin(values, numbers) != self.rest, 1.0, 0.0)


class Rank(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The place of a category in an order."""

    name: str
    order: list[str]
    unknown: int  # the place that stands for empty cells and categories that are not in the order

    @property
    def source(self) -> str:
        """The column of the data set that it comes from."""
        return self.name

    def __call__(self, values: Floats, categories: Sequence[str]) -> Floats:
        """Returns the prepared column, shape (rows,)."""
        place = {name: at for at, name in enumerate(self.order)}
        places = np.array([*(place.get(name, self.unknown) for name in categories), self.unknown])
        numbers = np.where(np.isnan(values), len(categories), values).astype(np.int64)
        return places[numbers].astype(np.float64)


class Evidence(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Weight of evidence of the bin that a value is in."""

    binning: Numeric | Categorical
    group: list[int]  # bins with few rows are joined: group of each bin, that of empty cells last
    rows: list[int]  # training rows of each group
    events: list[int]  # those of them whose label is 1
    weights: list[float]  # weight of evidence of each group
    information: float  # information value of the column

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.binning.name

    @property
    def source(self) -> str:
        """The column of the data set that it comes from."""
        return self.binning.name

    def groups(self, values: Floats, categories: Sequence[str]) -> Integers:
        """Returns the group of each value, shape (rows,)."""
        if isinstance(self.binning, Categorical):
            bins = self.binning(values, categories)
        else:
            bins = self.binning(values)
        return np.array(self.group, np.int64)[bins]

    def __call__(self, values: Floats, categories: Sequence[str]) -> Floats:
        """Returns the prepared column, shape (rows,)."""
        return np.array(self.weights)[self.groups(values, categories)]


Column = Number | EmptyFlag | Flag | Rank | Evidence


class LeftOut(msgspec.Struct, frozen=True):
    """A prepared column that a selection has left out of training."""

    column: Column
    why: str


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """How one party's columns become those that are trained on."""

    columns: list[Column]
    left_out: list[LeftOut] = []
    inflation: dict[str, float] = {}
    """Variance inflation factor of each column, if they were compared."""

    counts: dict[str, int] = {}
    """Columns that other parties train, by name, as far as this one knows; where all parties know
    all numbers, its own is among them."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that are trained on."""
        return tuple(column.name for column in self.columns)

    @property
    def evidence(self) -> list[Evidence]:
        """Columns with weight of evidence, and those left out, in falling information."""
        every = [*self.columns, *(each.column for each in self.left_out)]
        found = [column for column in every if isinstance(column, Evidence)]
        return sorted(found, key=lambda column: -column.information)

    def __call__(self, table: Table) -> Table:
        """Make the columns to train on, or to score with.

        Args:
            table: Rows of the same party, with the columns of its data set.

        Returns:
            The rows with prepared columns.

        Raises:
            SpecError: A column is not there.
        """
        place = {name: at for at, name in enumerate(table.names)}
        absent = sorted({column.source for column in self.columns} - place.keys())
        if absent:
            raise SpecError(
                f"the rows have no column {', '.join(map(repr, absent))}, of which the model's "
                "prepared columns are made: give the data set the `columns` of the training."
            )
        values = np.empty((len(table), len(self.columns)))
        for at, column in enumerate(self.columns):
            source = table.features[:, place[column.source]]
            values[:, at] = column(source, table.categories.get(column.source, ()))
        return replace(
            table, features=values, names=self.names, categories={}, means={}, missing="error"
        )


def kept(columns: Sequence[Column], which: Bools) -> list[Column]:
    """Returns the columns that a selection keeps."""
    return [column for column, keep in zip(columns, which, strict=True) if keep]
