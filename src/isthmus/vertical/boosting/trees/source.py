"""The interface between growing a tree and the columns: sums of a level, and its partition."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.vertical.boosting.trees.gradients import Units


@dataclass(frozen=True)
class Sample:
    """Rows, gradients and codes of one tree. Other parties know only `rows` and `codes`."""

    rows: Integers
    """Positions among all rows, ascending, shape (sampled,)."""

    values: Integers
    """Gradients and hessians in fixed point, shape (2, sampled)."""

    units: Units
    """Units of `values`."""

    codes: Integers
    """Codes that the tree may split on, ascending, shape (codes,)."""

    weight: Floats
    """Weight of each row, shape (sampled,)."""


@dataclass(frozen=True)
class Level:
    """A request for the sums of some nodes, one of each pair of siblings."""

    node: Integers
    """Node of each sampled row, shape (sampled,)."""

    summed: Integers
    """Node of each pair to sum: the one with fewer rows, or the left one; shape (pairs,)."""

    sibling: Integers
    """The other node of each pair, shape (pairs,); -1 for the root, which has no sibling."""

    starts: Bools
    """Grouping of the parents' bins, shape (pairs, codes, width): see `grouping`."""

    def of(self, positions: Integers) -> "Level":
        """Returns the same request for some of the codes, by position."""
        return replace(self, starts=self.starts[:, positions])


@dataclass(frozen=True)
class Histograms:
    """The answer to a `Level`."""

    starts: Bools
    """Grouping of both nodes of a pair, shape (pairs, codes, width)."""

    sums: Integers
    """g and h of the summed node, for each group at the bin where it starts, 0 elsewhere;
    shape (2, pairs, codes, width)."""

    def into(self, whole: "Histograms", positions: Integers) -> None:
        """Copy the sums of some codes into those of all codes, by position."""
        whole.starts[:, positions] = self.starts
        whole.sums[:, :, positions] = self.sums


@dataclass(frozen=True)
class Partition:
    """A request for which rows of some nodes go left."""

    node: Integers
    """Node of each row, sampled or not, shape (rows,)."""

    split: Integers
    """Nodes to split, shape (splits,)."""

    code: Integers
    """Code of each split, shape (splits,)."""

    left: Bools
    """Bins that go left, shape (splits, width)."""

    def of(self, codes: Integers) -> "Partition":
        """Returns the same request for the splits on some of the codes."""
        mine = np.isin(self.code, codes)
        return replace(self, split=self.split[mine], code=self.code[mine], left=self.left[mine])


class Source(Protocol):
    """Computes sums and partitions over the columns of one party or several."""

    def begin(self, sample: Sample) -> None:
        """Start a tree, or resume one."""
        ...

    def histograms(self, level: Level) -> Histograms:
        """Returns the sums of one node of each pair, by code and group of bins."""
        ...

    def partition(self, request: Partition) -> Bools:
        """Returns which rows go left, shape (rows,); False for rows of nodes that are not split."""
        ...
