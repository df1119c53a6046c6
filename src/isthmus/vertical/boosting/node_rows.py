"""Which rows are in which node of a growing tree, as a passive party knows it.

The active party says which rows are in which node. Whatever it says, no answer may tell anything
about a few rows only. So every request is checked against those before it, and one that no honest
run makes is refused. See `grouping` for the sums, and `messages` for what this does not prevent.
"""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Bins, Bools, Integers
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import grouping, histogram


@dataclass(frozen=True)
class Asked:
    """Nodes of one level that sums are asked for, in pairs of siblings; the root is alone."""

    place: Integers
    """Node of each sampled row, shape (sampled,): its pair's number for the node to sum, that plus
    `pairs` for its sibling, -1 elsewhere."""

    pairs: int

    starts: Bools
    """Groups of bins to sum over in each pair, shape (pairs, codes, width): see `grouping`."""

    rows: Integers
    """Sampled rows in each node, shape (nodes,)."""


@dataclass(frozen=True)
class Parting:
    """Splits of some nodes on codes of ours."""

    place: Integers
    """Node that each splits, as in `Asked.place`, shape (splits,)."""

    column: Integers
    """Which of the tree's codes each is on, by position, shape (splits,)."""

    left: Bools
    """Bins that go left, shape (splits, width)."""

    others: Integers
    """Split of each row that was not sampled, -1 for none of them, shape (others,)."""


class NodeRows:
    """The nodes of one tree, level by level."""

    def __init__(self, bins: Bins, count: Integers, sampled: Bools, spec: Boosting) -> None:
        """Begin with the root.

        Args:
            bins: Bin of each row in each of the tree's codes, shape (rows, codes).
            count: Bins of each code, shape (codes,).
            sampled: Whether the tree is grown on a row, shape (rows,).
            spec: Least rows of bins and nodes, and most levels.

        Raises:
            ValueError: There are too few rows to grow a tree on.
        """
        self._bins = bins
        self._count = count
        self._sampled = sampled
        self._spec = spec
        self._levels = 0
        self._parted = False
        width = int(count.max())
        finest = np.arange(width) < count[:, None]
        self.asked = self._ask(np.zeros(int(sampled.sum()), np.int64), 1, finest[None])

    def descend(self, place: Integers, pairs: int) -> None:
        """Go on to the next level.

        Args:
            place: Node of each sampled row, as in `Asked.place`, shape (sampled,).
            pairs: How many pairs of siblings there are.

        Raises:
            ValueError: They are not the children of nodes asked about before, or too small.
        """
        if not 0 < pairs <= place.size:
            raise ValueError("it asks about no node, or about more than there are rows")
        _check_places(place, len(self.asked.place), 2 * pairs)
        parent = self._parents(place, pairs)
        self.asked = self._ask(place, pairs, self.asked.starts[parent % self.asked.pairs])

    def part(self, parting: Parting) -> Bools:
        """Which rows of nodes go left.

        Args:
            parting: The splits.

        Returns:
            One per row of the nodes that are split, sampled or not, by position of the row.

        Raises:
            ValueError: Our sums could not have led to a split, or it leaves too few rows on a side,
                or nodes of this level were split before.
        """
        if self._parted:  # two ways to part one node would together single out fewer rows
            raise ValueError("the nodes of a level are split twice")
        self._parted = True
        self._check_splits(parting)
        _check_places(parting.others, int((~self._sampled).sum()), len(parting.place))
        split_of = np.full(len(self.asked.rows) + 1, -1)  # the last is for rows in no node
        split_of[parting.place] = np.arange(len(parting.place))
        split = np.empty(len(self._bins), np.int64)
        split[self._sampled] = split_of[self.asked.place]
        split[~self._sampled] = parting.others

        rows = np.flatnonzero(split >= 0)
        at = split[rows]
        went_left = parting.left[at, self._bins[rows, parting.column[at]]]
        side = (2 * at + went_left)[self._sampled[rows]]
        sides = np.bincount(side, minlength=2 * len(parting.place))
        if (sides < self._spec.minimum_bin_rows).any():
            raise ValueError("a split leaves fewer rows on a side than the job's minimum")
        return went_left

    def _ask(self, place: Integers, pairs: int, finer: Bools) -> Asked:
        nodes = 2 * pairs if self._levels else 1
        self._levels, self._parted = self._levels + 1, False
        if self._levels > self._spec.depth:
            raise ValueError("the tree has more levels than the job allows")
        inside = place >= 0
        rows = np.bincount(place[inside], minlength=nodes)
        larger = rows.reshape(-1, pairs).max(axis=0)
        if rows.min() < self._spec.minimum_bin_rows or larger.min() < self._spec.minimum_node_rows:
            raise ValueError("a node has fewer rows than the job's minimum")
        bins = self._bins[np.flatnonzero(self._sampled)[inside]]
        counts = histogram.counts(bins, place[inside], nodes, finer.shape[-1])
        counts = counts.reshape(-1, pairs, *counts.shape[1:])
        starts = grouping.merge(counts, finer, self._spec.minimum_bin_rows)
        return Asked(place, pairs, starts, rows)

    def _parents(self, place: Integers, pairs: int) -> Integers:
        # The node of the level before that each pair makes up, shape (pairs,).
        inside = place >= 0
        pair, before = place[inside] % pairs, self.asked.place[inside]
        parent = np.full(pairs, -1)
        parent[pair] = before
        if parent.min() < 0 or (parent[pair] != before).any():
            raise ValueError("two nodes are not the children of one that was asked about before")
        whole = np.bincount(pair, minlength=pairs) == self.asked.rows[parent]
        if not whole.all():  # so no two pairs have one parent either
            raise ValueError("two nodes are not all of the one that they are the children of")
        return parent

    def _check_splits(self, parting: Parting) -> None:
        place, column, left = parting.place, parting.column, parting.left
        if left.shape != (place.size, self.asked.starts.shape[-1]) or column.shape != (place.size,):
            raise ValueError("the parts of a split do not fit together")
        _check_places(place, place.size, len(self.asked.rows))
        if len(np.unique(place)) < len(place) or (place < 0).any():
            raise ValueError("a node is split twice, or is none")
        if (self.asked.rows[place] < self._spec.minimum_node_rows).any():
            raise ValueError("a node with fewer rows than the job's minimum is split")
        exist = np.arange(int(left.shape[1])) < self._count[column][:, None]
        if (left & ~exist).any():
            raise ValueError("a split names bins that its column does not have")
        starts = self.asked.starts[place % self.asked.pairs, column]
        torn = (left[:, 1:] ^ left[:, :-1]) & ~starts[:, 1:] & exist[:, 1:]
        if torn.any():
            raise ValueError("a split parts bins that were summed together")


def _check_places(place: Integers, rows: int, most: int) -> None:
    if place.shape != (rows,):
        raise ValueError(f"nodes of {place.size} rows are not of the {rows} rows that are due")
    if rows and (place.min() < -1 or place.max() >= most):
        raise ValueError("a row is in a node that there is not")
