"""All columns in one place: the source of the central model, and of a party's own columns."""

from collections import deque

import numpy as np

from isthmus.core.arrays import Bins, Bools, Floats, Integers
from isthmus.vertical.boosting import boost, grouping, histogram, objective, tree
from isthmus.vertical.boosting.boost import Course, Ensemble, Problem
from isthmus.vertical.boosting.source import Histograms, Level, Partition, Sample
from isthmus.vertical.boosting.spec import Boosting


class LocalSource:
    """Sums and partitions of columns that this process has, in the clear."""

    def __init__(self, bins: Bins, codes: Integers, width: int, minimum_bin_rows: int) -> None:
        """Take columns.

        Args:
            bins: Bin of each row in each column, shape (rows, columns).
            codes: Code of each column, ascending, shape (columns,).
            width: Bins of the code that has most of them, all parties' codes considered.
            minimum_bin_rows: Fewest rows of a sum.
        """
        self._bins = np.ascontiguousarray(bins.T)
        self._codes = codes
        self._width = width
        self._minimum = minimum_bin_rows
        self._sampled = self._bins[:, :0]
        self._values = np.empty((2, 0), np.int64)

    def begin(self, sample: Sample) -> None:
        """Take what the next tree is grown on."""
        drawn = self._bins[np.isin(self._codes, sample.codes)]
        self._sampled = drawn.take(sample.rows, axis=1)
        self._values = sample.values

    def histograms(self, level: Level) -> Histograms:
        """Sums of one node of each pair, over the drawn ones of these columns."""
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
        """Which rows go left at splits on these columns, shape (rows,)."""
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


def fit(bins: Bins, problem: Problem) -> Course:
    """Train on rows whose columns are all here.

    Args:
        bins: Bin of each row in each code, in the order of the codes, shape (rows, codes).
        problem: What is to be learnt.

    Returns:
        The whole course of training.

    Raises:
        SpecError: Labels or weights do not fit the objective.
    """
    codes, width = np.arange(len(problem.book)), int(problem.book.bins.max())
    source = LocalSource(bins, codes, width, problem.spec.minimum_bin_rows)
    begin = boost.start(problem)
    return deque(boost.boost(problem, source, begin), maxlen=1)[0]


def predict(model: Ensemble, bins: Bins, spec: Boosting) -> Floats:
    """Expected labels, or probabilities of classes, of rows whose columns are all here.

    Args:
        model: The trees.
        bins: Bin of each row in each code, in the order of the codes, shape (rows, codes).
        spec: Says which objective.

    Returns:
        Shape (outputs, rows).
    """
    codes = np.arange(int(bins.shape[1]))
    leaf = [tree.leaves(one, tree.decisions(one, bins, codes)) for one in model.trees]
    return objective.prediction(model.score(np.array(leaf).reshape(-1, len(bins))), spec)
