"""A party's rows in memory, checked when they are read, so that no role has to check them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from isthmus.core.arrays import Floats, Integers


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

    categories: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Names of the categories of each categorical column; `features` holds their numbers."""

    positions: Integers | None = None
    """Position of each row in its file, shape (rows,); None after alignment."""

    def __len__(self) -> int:
        return len(self.identifiers)

    @property
    def weights(self) -> Floats:
        """Weight of each row, shape (rows,): 1 if the dataset declares no weight."""
        return np.ones(len(self)) if self.weight is None else self.weight

    def take(self, rows: Integers) -> "Table":
        """Returns the rows at these positions, in this order."""
        return Table(
            identifiers=[self.identifiers[row] for row in rows.tolist()],
            features=self.features[rows],
            names=self.names,
            label=None if self.label is None else self.label[rows],
            weight=None if self.weight is None else self.weight[rows],
            categories=self.categories,
        )


def joined(tables: Sequence[Table]) -> Table:
    """Join the columns of several tables, for the pooled model of a simulation.

    Args:
        tables: Tables of the same rows in the same order.

    Returns:
        One table, with the label of the first.
    """
    first = tables[0]
    return Table(
        identifiers=first.identifiers,
        features=np.hstack([table.features for table in tables]),
        names=tuple(name for table in tables for name in table.names),
        label=first.label,
    )
