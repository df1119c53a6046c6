"""The best split of a node, against trying every one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Bools
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import grouping, histogram
from isthmus.vertical.boosting.trees.gradients import Units
from isthmus.vertical.boosting.trees.split import ANY, Range, Split, best_split, leaf
from isthmus.vertical.boosting.trees.tree import CodeBook
from tests.unit.vertical.boosting.small import Node, best_gain, book, gain_of, node

SEED = st.integers(0, 2**32)
SPECS = st.builds(
    Boosting,
    l2=st.sampled_from([0.0, 1.0, 5.0]),
    minimum_gain=st.sampled_from([0.0, 0.3]),
    minimum_child_weight=st.sampled_from([0.0, 1.0, 2.0]),
)
BOUNDS = st.sampled_from([ANY, Range(-0.5, 0.5), Range(0.1, 2.0)])


def grouped(rows: Node, minimum: int = 1) -> Bools:
    width = int(rows.book.bins.max())
    slot = np.zeros(len(rows.bins), np.int64)
    counts = histogram.counts(rows.bins, slot, 1, width)
    return grouping.merge(counts, rows.book.starts(width), minimum)


def split_of(
    rows: Node, spec: Boosting, bounds: Range = ANY, starts: Bools | None = None
) -> Split | None:
    width = int(rows.book.bins.max())
    groups = grouped(rows) if starts is None else starts
    slot = np.zeros(len(rows.bins), np.int64)
    sums = histogram.sums(rows.bins, slot, 1, width, rows.values)[:, 0]
    return best_split(histogram.coarsen(sums, groups), groups, bounds, rows.units, rows.book, spec)


def rows_of(bins: list[int], g: list[int], facts: CodeBook) -> Node:
    values = np.array([g, [1] * len(g)])
    return Node(np.array(bins, np.int8)[:, None], values, Units(1.0, 1.0), facts)


class TestBestSplit:
    @given(seed=SEED, spec=SPECS, bounds=BOUNDS)
    def test_gains_as_much_as_the_best_of_all(
        self, seed: int, spec: Boosting, bounds: Range
    ) -> None:
        rows = node(seed)
        found = split_of(rows, spec, bounds)
        expected = best_gain(rows, bounds, spec)
        assert (found.gain if found else 0.0) == pytest.approx(expected, rel=1e-9, abs=1e-6)

    @given(seed=SEED, spec=SPECS, bounds=BOUNDS)
    def test_names_the_bins_that_gain_so_much(
        self, seed: int, spec: Boosting, bounds: Range
    ) -> None:
        rows = node(seed)
        if found := split_of(rows, spec, bounds):
            left = found.left[rows.bins[:, found.position]]
            gain = gain_of(rows, found.position, left, bounds, spec)
            assert found.gain == pytest.approx(gain, rel=1e-9)
            assert (found.totals == rows.values[:, left].sum(axis=1)).all()

    @given(seed=SEED, minimum=st.integers(2, 8))
    def test_parts_no_group_of_bins(self, seed: int, minimum: int) -> None:
        rows = node(seed)
        starts = grouped(rows, minimum)
        if found := split_of(rows, Boosting(minimum_child_weight=0.0), starts=starts):
            size = int(rows.book.bins[found.position])
            ends = np.flatnonzero(found.left[1:size] != found.left[: size - 1]) + 1
            assert starts[found.position, ends].all()
            side = found.left[rows.bins[:, found.position]]
            assert min(side.sum(), (~side).sum()) >= minimum

    @given(seed=SEED)
    def test_has_the_gain_of_the_closed_form_where_nothing_bounds_a_leaf(self, seed: int) -> None:
        rows, spec = node(seed), Boosting(minimum_child_weight=0.0)
        if found := split_of(rows, spec):
            g, h = rows.units.real(np.array([found.totals, rows.values.sum(axis=1)]).T)
            parts = [(g[0], h[0]), (g[1] - g[0], h[1] - h[0])]
            closed = sum(a**2 / (b + 1) for a, b in parts) - g[1] ** 2 / (h[1] + 1)
            assert found.gain == pytest.approx(closed, rel=1e-9)

    def test_sends_missing_values_where_they_gain_most(self) -> None:
        like_low = rows_of([0, 0, 1, 1, 2, 2], [9, 9, -9, -9, 9, 9], book([3]))
        like_high = rows_of([0, 0, 1, 1, 2, 2], [9, 9, -9, -9, -9, -9], book([3]))
        low, high = split_of(like_low, Boosting()), split_of(like_high, Boosting())
        assert low is not None
        assert low.left.tolist() == [True, False, True]
        assert high is not None
        assert high.left.tolist() == [True, False, False]

    def test_may_part_missing_values_from_all_others(self) -> None:
        found = split_of(rows_of([0, 1, 2, 2], [9, 9, -9, -9], book([3])), Boosting())
        assert found is not None
        assert found.left.tolist() == [True, True, False]

    def test_of_categories_may_be_any_set_of_them(self) -> None:
        rows = rows_of([0, 0, 1, 1, 2, 2], [9, 9, -9, -9, 9, 9], book([4], categorical=[1]))
        found = split_of(rows, Boosting())
        assert found is not None
        assert found.left[:3].tolist() == [False, True, False] or found.left[:3].tolist() == [
            True,
            False,
            True,
        ]

    def test_of_equals_is_the_first_by_code_and_bin(self) -> None:
        twice = np.tile(np.array([[0], [1], [2], [3]], np.int8), (1, 2))
        rows = Node(twice, np.array([[9, 0, 0, -9], [4] * 4]), Units(1.0, 1.0), book([5, 5]))
        found = split_of(rows, Boosting(l2=0.0))
        assert found is not None
        assert (found.position, found.left.tolist()) == (0, [True, False, False, False, False])

    def test_is_none_where_all_rows_are_alike(self) -> None:
        alike = rows_of([0, 1, 2, 0, 1, 2], [7] * 6, book([4]))
        assert split_of(alike, Boosting(l2=0.0, minimum_child_weight=0.0)) is None

    def test_is_none_where_no_row_knows_anything(self) -> None:
        empty = Node(
            np.array([[0], [1]], np.int8), np.zeros((2, 2), np.int64), Units(1.0, 1.0), book([3])
        )
        assert split_of(empty, Boosting(l2=0.0, minimum_child_weight=0.0)) is None


class TestLeaf:
    def test_is_the_minimum_of_the_second_order_loss(self) -> None:
        assert leaf(np.array([3.0]), np.array([5.0]), 1.0, ANY).tolist() == [-0.5]

    def test_stays_within_its_bounds(self) -> None:
        assert leaf(np.array([3.0, -3.0]), np.zeros(2), 1.0, Range(-0.5, 0.7)).tolist() == [
            -0.5,
            0.7,
        ]

    def test_of_rows_that_know_nothing_is_zero(self) -> None:
        assert leaf(np.array([3.0]), np.array([0.0]), 0.0, ANY).tolist() == [0.0]
