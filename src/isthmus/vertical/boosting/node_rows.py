"""The rows of each node of a growing tree, at a passive party, and the checks of requests.

The active party says which rows are in which node. Whatever it says, no answer may reveal anything
about a few rows only. So every request is checked against the requests before it, and refused if no
honest run makes it. See `grouping` for the sums, and `messages` for what this does not prevent.
"""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Bins, Bools, Integers
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import grouping, histogram


@dataclass(frozen=True)
class CurrentLevel:
    """The nodes of one level for which sums are requested, in pairs of siblings, or the root."""

    place: Integers
    """Node of each sampled row, shape (sampled,): its pair's number for the node to sum, plus
    `pairs` for its sibling, -1 for rows in no node."""

    pairs: int

    starts: Bools
    """Where groups of bins start in each pair, shape (pairs, codes, width): see `grouping`."""

    rows: Integers
    """Number of sampled rows in each node, shape (nodes,)."""


@dataclass(frozen=True)
class NodeSplits:
    """Splits of some nodes on our codes."""

    place: Integers
    """Node of each split, as in `CurrentLevel.place`, shape (splits,)."""

    column: Integers
    """Position of each split's code among the tree's codes, shape (splits,)."""

    left: Bools
    """Bins that go left, shape (splits, width)."""

    others: Integers
    """Split of each row that was not sampled, -1 for rows in no split node, shape (others,)."""


class NodeRows:
    """The nodes of one tree, level by level."""

    def __init__(self, bins: Bins, count: Integers, sampled: Bools, spec: Boosting) -> None:
        """Start with the root.

        Args:
            bins: Bin of each row in each of the tree's codes, shape (rows, codes).
            count: Number of bins of each code, shape (codes,).
            sampled: Whether the tree is grown on a row, shape (rows,).
            spec: The `[boosting]` table: minimum rows of bins and nodes, and depth.

        Raises:
            ValueError: There are too few rows to grow a tree on.
        """
        self._bins = bins
        self._count = count
        self._sampled = sampled
        self._spec = spec
        self._levels = 0
        self._is_split = False
        width = int(count.max())
        finest = np.arange(width) < count[:, None]
        self.level = self._next_level(np.zeros(int(sampled.sum()), np.int64), 1, finest[None])

    def descend(self, place: Integers, pairs: int) -> None:
        """Go to the next level.

        Args:
            place: Node of each sampled row, as in `CurrentLevel.place`, shape (sampled,).
            pairs: Number of pairs of siblings.

        Raises:
            ValueError: The nodes are not children of nodes of this level, or have too few rows.
        """
        if not 0 < pairs <= place.size:
            raise ValueError("it asks about no node, or about more than there are rows")
        _check_places(place, len(self.level.place), 2 * pairs)
        parent = self._parents(place, pairs)
        self.level = self._next_level(place, pairs, self.level.starts[parent % self.level.pairs])

    def split(self, splits: NodeSplits) -> Bools:
        """Split nodes of this level, and return which of their rows go left.

        Args:
            splits: The splits.

        Returns:
            One per row of the nodes that are split, sampled or not, by position of the row.

        Raises:
            ValueError: Our sums cannot have led to a split, or a side gets too few rows, or nodes
                of this level were split before.
        """
        if self._is_split:  # the difference of two splits of one node could be a few rows only
            raise ValueError("the nodes of a level are split twice")
        self._is_split = True
        self._check_splits(splits)
        _check_places(splits.others, int((~self._sampled).sum()), len(splits.place))
        split_of = np.full(len(self.level.rows) + 1, -1)  # the last is for rows in no node
        split_of[splits.place] = np.arange(len(splits.place))
        split = np.empty(len(self._bins), np.int64)
        split[self._sampled] = split_of[self.level.place]
        split[~self._sampled] = splits.others

        rows = np.flatnonzero(split >= 0)
        at = split[rows]
        went_left = splits.left[at, self._bins[rows, splits.column[at]]]
        side = (2 * at + went_left)[self._sampled[rows]]
        sides = np.bincount(side, minlength=2 * len(splits.place))
        if (sides < self._spec.minimum_bin_rows).any():
            raise ValueError("a split leaves fewer rows on a side than the job's minimum")
        return went_left

    def _next_level(self, place: Integers, pairs: int, finer: Bools) -> CurrentLevel:
        nodes = 2 * pairs if self._levels else 1
        self._levels, self._is_split = self._levels + 1, False
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
        return CurrentLevel(place, pairs, starts, rows)

    def _parents(self, place: Integers, pairs: int) -> Integers:
        # Returns the parent of each pair, a node of the level before, shape (pairs,).
        inside = place >= 0
        pair, before = place[inside] % pairs, self.level.place[inside]
        parent = np.full(pairs, -1)
        parent[pair] = before
        if parent.min() < 0 or (parent[pair] != before).any():
            raise ValueError("two nodes are not the children of one that was asked about before")
        whole = np.bincount(pair, minlength=pairs) == self.level.rows[parent]
        if not whole.all():  # this also refuses two pairs with one parent
            raise ValueError("two nodes are not all of the one that they are the children of")
        return parent

    def _check_splits(self, splits: NodeSplits) -> None:
        place, column, left = splits.place, splits.column, splits.left
        if left.shape != (place.size, self.level.starts.shape[-1]) or column.shape != (place.size,):
            raise ValueError("the parts of a split do not fit together")
        _check_places(place, place.size, len(self.level.rows))
        if len(np.unique(place)) < len(place) or (place < 0).any():
            raise ValueError("a node is split twice, or is none")
        if (self.level.rows[place] < self._spec.minimum_node_rows).any():
            raise ValueError("a node with fewer rows than the job's minimum is split")
        exist = np.arange(int(left.shape[1])) < self._count[column][:, None]
        if (left & ~exist).any():
            raise ValueError("a split names bins that its column does not have")
        starts = self.level.starts[place % self.level.pairs, column]
        inside_group = (left[:, 1:] ^ left[:, :-1]) & ~starts[:, 1:] & exist[:, 1:]
        if inside_group.any():
            raise ValueError("a split parts bins that were summed together")


def _check_places(place: Integers, rows: int, most: int) -> None:
    if place.shape != (rows,):
        raise ValueError(f"nodes of {place.size} rows are not of the {rows} rows that are due")
    if rows and (place.min() < -1 or place.max() >= most):
        raise ValueError("a row is in a node that there is not")
