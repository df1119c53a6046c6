"""Exact sums by bin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.vertical.boosting.trees import histogram

BINS = np.array([[0, 2], [1, 2], [0, 0], [1, 1]], np.int8)
SLOT = np.array([0, 1, 0, 0])


class TestSums:
    @given(seed=st.integers(0, 2**32))
    def test_equal_a_loop_over_the_rows(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        bins = chance.integers(0, 4, (30, 3)).astype(np.int8)
        slot = chance.integers(0, 2, 30)
        values = chance.integers(-(2**40), 2**40, (2, 30))
        expected = np.zeros((2, 2, 3, 4), np.int64)
        for row in range(30):
            for column in range(3):
                expected[:, slot[row], column, bins[row, column]] += values[:, row]
        assert (histogram.sums(bins, slot, 2, 4, values) == expected).all()

    def test_are_exact_up_to_the_last_unit(self) -> None:
        nearly = np.array([[2**51 - 1, 1, 2**51 - 1, 2**51 - 1]])
        sums = histogram.sums(BINS[:, :1], np.zeros(4, np.int64), 1, 2, nearly)
        assert sums.tolist() == [[[[2**52 - 2, 2**51]]]]

    def test_that_could_be_rounded_are_refused(self) -> None:
        with pytest.raises(ValueError, match="not exact"):
            histogram.sums(BINS, SLOT, 2, 3, np.full((1, 4), 2**52))

    def test_do_not_depend_on_the_order_of_rows(self) -> None:
        values = np.array([[5, -7, 11, 13]])
        back = slice(None, None, -1)
        turned = histogram.sums(BINS[back], SLOT[back], 2, 3, values[:, back])
        assert (turned == histogram.sums(BINS, SLOT, 2, 3, values)).all()

    def test_of_ones_are_counts(self) -> None:
        ones = np.ones((1, 4), np.int64)
        counts = histogram.counts(BINS, SLOT, 2, 3)
        assert (histogram.sums(BINS, SLOT, 2, 3, ones)[0] == counts).all()

    def test_without_columns_are_totals(self) -> None:
        values = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
        assert histogram.totals(SLOT, 2, values).tolist() == [[8, 2], [20, 6]]


class TestSlots:
    def test_are_positions_among_the_wanted_nodes(self) -> None:
        found = histogram.slots(np.array([4, 9, 3, 4]), np.array([9, 4]))
        assert found.tolist() == [1, 0, -1, 1]

    def test_are_found_for_no_row_and_for_nodes_without_rows(self) -> None:
        assert histogram.slots(np.array([], np.int64), np.array([3])).tolist() == []
        assert histogram.slots(np.array([1]), np.array([3])).tolist() == [-1]


class TestCoarsen:
    def test_adds_up_each_group_where_it_starts(self) -> None:
        sums = np.array([[[1, 2, 3, 4], [5, 6, 7, 8]]])
        starts = np.array([[True, False, True, False], [True, False, False, True]])
        assert histogram.coarsen(sums, starts).tolist() == [[[3, 0, 7, 0], [18, 0, 0, 8]]]

    def test_of_what_is_as_coarse_changes_nothing(self) -> None:
        starts = np.array([[True, False, True, False]])
        once = histogram.coarsen(np.array([[[1, 2, 3, 4]]]), starts)
        assert (histogram.coarsen(once, starts) == once).all()
