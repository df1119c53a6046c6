"""What growing a tree asks of whoever has the columns: sums of a level, and how its rows part."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.vertical.boosting.trees.gradients import Units


@dataclass(frozen=True)
class Sample:
    """What one tree is grown on. Known to the active party alone, but for `rows` and `codes`."""

    rows: Integers
    """Positions among all rows, ascending, shape (sampled,)."""

    values: Integers
    """Gradients and hessians in fixed point, shape (2, sampled)."""

    units: Units
    """What they are measured in."""

    codes: Integers
    """Codes that the tree may split on, ascending, shape (codes,)."""

    weight: Floats
    """What each row counts for, shape (sampled,)."""


@dataclass(frozen=True)
class Level:
    """A request for the sums of some nodes, one of each pair of siblings."""

    node: Integers
    """Node of each sampled row, shape (sampled,)."""

    summed: Integers
    """Node of each pair to sum: the one with fewer rows, of equals the left; shape (pairs,)."""

    sibling: Integers
    """The other node of each pair, shape (pairs,); the root has none, which is -1."""

    starts: Bools
    """Grouping of the parents' bins, shape (pairs, codes, width): see `grouping`."""

    def of(self, positions: Integers) -> "Level":
        """The same request for some of the codes, by position."""
        return replace(self, starts=self.starts[:, positions])


@dataclass(frozen=True)
class Histograms:
    """The answer to a `Level`."""

    starts: Bools
    """Grouping of both nodes of a pair, shape (pairs, codes, width)."""

    sums: Integers
    """g and h of the summed node by group, where the group starts, and 0 elsewhere;
    shape (2, pairs, codes, width)."""

    def into(self, whole: "Histograms", positions: Integers) -> None:
        """Write the answer for some of the codes into one for all, by position."""
        whole.starts[:, positions] = self.starts
        whole.sums[:, :, positions] = self.sums


@dataclass(frozen=True)
class Partition:
    """A request to part the rows of some nodes."""

    node: Integers
    """Node of each row, sampled or not, shape (rows,)."""

    split: Integers
    """Nodes to split, shape (splits,)."""

    code: Integers
    """Code that each is split on, shape (splits,)."""

    left: Bools
    """Bins that go left, shape (splits, width)."""

    def of(self, codes: Integers) -> "Partition":
        """The same request for the splits on some of the codes."""
        mine = np.isin(self.code, codes)
        return replace(self, split=self.split[mine], code=self.code[mine], left=self.left[mine])


class Source(Protocol):
    """Where sums and partitions come from: one party's columns, or those of several."""

    def begin(self, sample: Sample) -> None:
        """Take what the next tree is grown on; also before a tree is taken up again."""
        ...

    def histograms(self, level: Level) -> Histograms:
        """Sums of one node of each pair by code and group of bins."""
        ...

    def partition(self, request: Partition) -> Bools:
        """Which rows go left, shape (rows,); False for rows of nodes that are not split."""
        ...
