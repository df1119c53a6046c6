"""The `Source` of columns that are in the memory of this process."""

import numpy as np

from isthmus.core.arrays import Bins, Bools, Integers
from isthmus.vertical.boosting.trees import grouping, histogram
from isthmus.vertical.boosting.trees.source import Histograms, Level, Partition, Sample


class LocalSource:
    """The `Source` of one party's own columns, or of all columns in one place."""

    def __init__(self, bins: Bins, codes: Integers, width: int, minimum_bin_rows: int) -> None:
        """Store the columns.

        Args:
            bins: Bin of each row in each column, shape (rows, columns).
            codes: Code of each column, ascending, shape (columns,).
            width: Largest number of bins of any party's code.
            minimum_bin_rows: Fewest rows of a sum.
        """
        self._bins = np.ascontiguousarray(bins.T)
        self._codes = codes
        self._width = width
        self._minimum = minimum_bin_rows
        self._sampled = self._bins[:, :0]
        self._values = np.empty((2, 0), np.int64)

    def begin(self, sample: Sample) -> None:
        """Start a tree."""
        drawn = self._bins[np.isin(self._codes, sample.codes)]
        self._sampled = drawn.take(sample.rows, axis=1)
        self._values = sample.values

    def histograms(self, level: Level) -> Histograms:
        """Returns the sums of one node of each pair, over the tree's codes among these columns."""
        pairs, width = len(level.summed), self._width
        nodes = np.append(level.summed, level.sibling[level.sibling >= 0])
        slot = histogram.slots(level.node, nodes)
        rows = np.flatnonzero(slot >= 0)
        counts = histogram.counts(self._of(rows), slot[rows], len(nodes), width)
        each = counts.reshape(len(nodes) // pairs, *level.starts.shape)
        starts = grouping.merge(each, level.starts, self._minimum)
        rows = np.flatnonzero((slot >= 0) & (slot < pairs))
        values = self._values[:, rows]
        sums = histogram.sums(self._of(rows), slot[rows], pairs, width, values)
        return Histograms(starts, histogram.coarsen(sums, starts))

    def partition(self, request: Partition) -> Bools:
        """Returns which rows go left at splits on these columns, shape (rows,)."""
        went_left = np.zeros(len(request.node), np.bool_)
        slot = histogram.slots(request.node, request.split)
        rows = np.flatnonzero(slot >= 0)
        at = slot[rows]
        column = np.searchsorted(self._codes, request.code)
        went_left[rows] = request.left[at, self._bins[column[at], rows]]
        return went_left

    def _of(self, rows: Integers) -> Bins:
        whole = len(rows) == self._sampled.shape[1]
        return (self._sampled if whole else self._sampled.take(rows, axis=1)).T
