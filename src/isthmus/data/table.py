"""Rows of one party in memory: checked once, when they are read, so that no role has to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from isthmus.core.arrays import Floats, Integers


@dataclass(frozen=True)
class Table:
    """Rows of one party. Every identifier occurs once.

    Every number is finite, but for cells that were empty, where `missing` of the dataset keeps
    them: those are NaN.
    """

    identifiers: list[bytes]
    """Normalised key of each row."""

    features: Floats
    """Shape (rows, columns), in the columns' own units."""

    names: tuple[str, ...]
    """Name of each feature column."""

    label: Floats | None = None
    """Shape (rows,), or None where the dataset declares no label."""

    weight: Floats | None = None
    """What each row counts for, shape (rows,); None where the dataset declares no weight."""

    categories: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Names of the categories of each column that has any; its features are their numbers."""

    positions: Integers | None = None
    """Where in its file each row stands, shape (rows,); None once they are aligned."""

    def __len__(self) -> int:
        return len(self.identifiers)

    @property
    def weights(self) -> Floats:
        """What each row counts for, shape (rows,): 1 where the dataset declares no weight."""
        return np.ones(len(self)) if self.weight is None else self.weight

    def take(self, rows: Integers) -> "Table":
        """The rows at these positions, in this order."""
        return Table(
            identifiers=[self.identifiers[row] for row in rows.tolist()],
            features=self.features[rows],
            names=self.names,
            label=None if self.label is None else self.label[rows],
            weight=None if self.weight is None else self.weight[rows],
            categories=self.categories,
        )


def joined(tables: Sequence[Table]) -> Table:
    """The columns of several tables side by side.

    Args:
        tables: Tables of the same rows in the same order; the first one's label counts.

    Returns:
        One table.
    """
    first = tables[0]
    return Table(
        identifiers=first.identifiers,
        features=np.hstack([table.features for table in tables]),
        names=tuple(name for table in tables for name in table.names),
        label=first.label,
    )
