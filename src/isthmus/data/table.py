"""A party's rows in memory, checked when they are read, so that no role has to check them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from isthmus.core.arrays import Floats, Integers

if TYPE_CHECKING:  # it loads Arrow
    from isthmus.data.facts import Facts


class ColumnCoding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the columns of training rows became numbers: rows to score become the same numbers."""

    names: tuple[str, ...]
    categories: dict[str, tuple[str, ...]] = {}
    """Names of the categories of each categorical column, by number."""

    means: dict[str, float] = {}
    """Mean of the cells of each other column that are not empty."""

    missing: Literal["error", "mean", "keep"] | float = "error"
    """What became of empty cells, as in the table of the data set."""


@dataclass(frozen=True)
class Table:
    """Rows of one party. Every identifier occurs once.

    Every number is finite. Only empty cells are NaN, if `missing` of the dataset is "keep".
    """

    identifiers: list[bytes]
    """Normalised key of each row."""

    features: Floats
    """Shape (rows, columns), in the columns' own units."""

    names: tuple[str, ...]
    """Name of each feature column."""

    label: Floats | None = None
    """Shape (rows,), or None if the dataset declares no label."""

    weight: Floats | None = None
    """Weight of each row, shape (rows,); None if the dataset declares no weight."""

    offset: Floats | None = None
    """What is added to the predictor of each row, shape (rows,): its offset, and the logarithm of
    its exposure; None if the dataset declares neither."""

    categories: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Names of the categories of each categorical column; `features` holds their numbers."""

    positions: Integers | None = None
    """Position of each row in its file, shape (rows,); None for rows that were made in memory."""

    keys: Any = None
    """The identifier columns as they are in the file, a `pyarrow.Table`; None if there are none."""

    means: dict[str, float] = field(default_factory=dict[str, float])
    """Mean of the cells of each column that were not empty when the rows were read."""

    missing: Literal["error", "mean", "keep"] | float = "error"
    """What became of empty cells, as in the table of the data set."""

    facts: "Facts | None" = None
    """What reading the data set brought to light; None for rows that were made in memory."""

    def __len__(self) -> int:
        return len(self.identifiers)

    @property
    def weights(self) -> Floats:
        """Weight of each row, shape (rows,): 1 if the dataset declares no weight."""
        return np.ones(len(self)) if self.weight is None else self.weight

    @property
    def offsets(self) -> Floats:
        """Offset of each row, shape (rows,): 0 if the dataset declares none."""
        return np.zeros(len(self)) if self.offset is None else self.offset

    @property
    def coding(self) -> ColumnCoding:
        """How the columns became numbers."""
        return ColumnCoding(self.names, self.categories, self.means, self.missing)

    def take(self, rows: Integers) -> "Table":
        """Returns the rows at these positions, in this order."""
        return replace(
            self,
            identifiers=[self.identifiers[row] for row in rows.tolist()],
            features=self.features[rows],
            label=None if self.label is None else self.label[rows],
            weight=None if self.weight is None else self.weight[rows],
            offset=None if self.offset is None else self.offset[rows],
            positions=None if self.positions is None else self.positions[rows],
            keys=None if self.keys is None else self.keys.take(rows),
        )


def joined(tables: Sequence[Table]) -> Table:
    """Join the columns of several tables, for the pooled model of a simulation.

    Args:
        tables: Tables of the same rows in the same order.

    Returns:
        One table, with label, weight and offset of the first.
    """
    first = tables[0]
    return Table(
        identifiers=first.identifiers,
        features=np.hstack([table.features for table in tables]),
        names=tuple(name for table in tables for name in table.names),
        label=first.label,
        weight=first.weight,
        offset=first.offset,
    )
