"""No sum is over a few rows only."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from isthmus.core.arrays import Bools, Integers
from isthmus.vertical.boosting.trees import grouping, histogram


@dataclass(frozen=True)
class Pair:
    """Two siblings by code and bin, and the grouping of their parent."""

    counts: Integers  # shape (2, codes, width)
    starts: Bools  # shape (codes, width)
    minimum: int


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    codes, width, rows = draw(st.integers(1, 4)), draw(st.integers(1, 12)), draw(st.integers(1, 80))
    minimum = draw(st.integers(1, 6))
    weights = chance.random((codes, width)) ** 4
    bins = np.array([chance.choice(width, rows, p=code / code.sum()) for code in weights]).T
    side = (chance.random(rows) < chance.random()).astype(np.int64)
    counts = histogram.counts(bins.astype(np.int8), side, 2, width)
    totals = counts[:, 0].sum(axis=-1)
    assume(((totals == 0) | (totals >= minimum)).all())
    every = np.ones((codes, width), np.bool_)
    parent = grouping.merge(counts.sum(axis=0, keepdims=True), every, minimum)
    return Pair(counts, draw(st.sampled_from([every, parent])), minimum)


def apart(width: int) -> Bools:
    return np.ones((1, width), np.bool_)


def merged(pair: Pair) -> Bools:
    return grouping.merge(pair.counts, pair.starts, pair.minimum)


class TestMerge:
    def test_leaves_large_bins_alone(self) -> None:
        starts = grouping.merge(np.array([[[5, 6, 7]], [[9, 5, 5]]]), apart(3), 5)
        assert starts.all()

    def test_joins_a_bin_that_is_small_in_one_of_two_siblings(self) -> None:
        starts = grouping.merge(np.array([[[5, 6, 7]], [[9, 1, 5]]]), apart(3), 5)
        assert starts.tolist() == [[True, True, False]]

    def test_joins_what_is_left_over_to_the_groups_before_it(self) -> None:
        starts = grouping.merge(np.array([[[5, 6, 7, 2]]]), apart(4), 5)
        assert starts.tolist() == [[True, True, True, False]]

    def test_takes_in_several_groups_where_one_is_not_enough(self) -> None:
        counts = np.array([[[9, 0, 0]], [[0, 9, 1]], [[6, 0, 3]]])
        starts = grouping.merge(counts, apart(3), 5)
        assert starts.tolist() == [[True, False, False]]

    def test_keeps_missing_values_apart_from_bins_without_rows(self) -> None:
        starts = grouping.merge(np.array([[[8, 8, 0, 0, 8]]]), apart(5), 5)
        assert starts.tolist() == [[True, True, False, False, True]]

    def test_refuses_a_node_with_too_few_rows(self) -> None:
        with pytest.raises(ValueError, match="fewer than 5 rows"):
            grouping.merge(np.array([[[50, 60]], [[2, 2]]]), apart(2), 5)

    @given(pairs())
    def test_leaves_no_sum_over_a_few_rows(self, pair: Pair) -> None:
        starts = merged(pair)
        rows = histogram.coarsen(pair.counts, starts)[:, starts]
        assert ((rows == 0) | (rows >= pair.minimum)).all()
        assert (rows.sum(axis=0) > 0).all()

    @given(pairs())
    def test_is_coarser_than_the_grouping_of_the_parent(self, pair: Pair) -> None:
        starts = merged(pair)
        assert not (starts & ~pair.starts).any()
        assert starts[:, 0].all()

    @given(pairs())
    def test_lets_the_sibling_follow_from_the_parent(self, pair: Pair) -> None:
        parent = histogram.coarsen(pair.counts.sum(axis=0), pair.starts)
        starts = merged(pair)
        one, other = histogram.coarsen(pair.counts, starts)
        assert (histogram.coarsen(parent, starts) - one == other).all()

    @given(pairs())
    def test_changes_nothing_when_done_again(self, pair: Pair) -> None:
        starts = merged(pair)
        assert (grouping.merge(pair.counts, starts, pair.minimum) == starts).all()
        assert (merged(pair) == starts).all()

    @given(pairs())
    def test_treats_many_pairs_as_each_by_itself(self, pair: Pair) -> None:
        several = np.stack([pair.counts, pair.counts[::-1]], axis=1)
        starts = grouping.merge(several, np.stack([pair.starts] * 2), pair.minimum)
        assert (starts == merged(pair)).all()
