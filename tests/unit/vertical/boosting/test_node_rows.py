"""What a passive party refuses to answer, whoever asks."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from isthmus.vertical.boosting.node_rows import NodeRows, NodeSplits
from isthmus.vertical.boosting.spec import Boosting

BINS = np.array([[row % 4, row // 20] for row in range(40)], np.int8)  # of 40 rows in two codes
COUNT = np.array([5, 3])
EVERY = np.ones(40, np.bool_)
HALVES = np.repeat([0, 1], 20)
QUARTERS = HALVES + 2 * (np.arange(40) % 2)


def some_nodes(sampled: ArrayLike = EVERY, **changes: Any) -> NodeRows:
    settled: dict[str, Any] = {"depth": 3, "minimum_bin_rows": 3, "minimum_node_rows": 8}
    spec = Boosting(bins=4, **(settled | changes))
    return NodeRows(BINS, COUNT, np.asarray(sampled, np.bool_), spec)


def a_split(place: int = 0, column: int = 1, left: ArrayLike = (1, 0, 0, 0, 0)) -> NodeSplits:
    return NodeSplits(
        place=np.array([place]),
        column=np.array([column]),
        left=np.array([left], np.bool_),
        others=np.empty(0, np.int64),
    )


class TestTheRoot:
    def test_is_asked_about_at_once(self) -> None:
        level = some_nodes().level
        assert level.pairs == 1
        assert level.rows.tolist() == [40]
        assert level.starts.tolist() == [
            [[True, True, True, True, False], [True, True, False, False, False]]
        ]

    def test_is_of_the_sampled_rows_alone(self) -> None:
        level = some_nodes(HALVES == 0).level
        assert level.rows.tolist() == [20]
        assert level.starts[0, 1].tolist() == [True, False, False, False, False]

    def test_has_rows_enough(self) -> None:
        with pytest.raises(ValueError, match="fewer rows than the job's minimum"):
            some_nodes(np.arange(40) < 7)


class TestTheNextLevel:
    def test_is_of_the_children_of_the_level_before(self) -> None:
        nodes = some_nodes()
        nodes.descend(HALVES, pairs=1)
        nodes.descend(QUARTERS, pairs=2)
        assert nodes.level.rows.tolist() == [10, 10, 10, 10]

    def test_may_leave_out_whole_nodes(self) -> None:
        nodes = some_nodes()
        nodes.descend(HALVES, pairs=1)
        nodes.descend(np.where(HALVES == 0, np.arange(40) % 2, -1), pairs=1)
        assert nodes.level.rows.tolist() == [10, 10]

    def test_sums_what_was_summed_together_before_together(self) -> None:
        nodes = some_nodes(minimum_bin_rows=6, minimum_node_rows=6)
        nodes.descend(HALVES, pairs=1)  # each child has five rows in each of the four bins
        assert nodes.level.starts[0, 0].tolist() == [True, False, True, False, False]
        nodes.descend(QUARTERS, pairs=2)  # which here are ten rows in one of two bins
        assert (nodes.level.starts[:, 0].sum(axis=1) == 1).all()

    @pytest.mark.parametrize(
        ("place", "pairs", "fault"),
        [
            (np.arange(40) == 7, 1, "fewer rows than the job's minimum"),
            (np.where(np.arange(40) == 7, -1, HALVES), 1, "not all of the one"),
            (HALVES, 0, "about no node"),
            (HALVES, 41, "more than there are rows"),
            (2 * HALVES, 1, "a node that there is not"),
            (HALVES[:39], 1, "not of the 40 rows"),
            (HALVES[None], 1, "not of the 40 rows"),
            (0, 1, "not of the 40 rows"),
        ],
    )
    def test_singles_nobody_out(self, place: ArrayLike, pairs: int, fault: str) -> None:
        with pytest.raises(ValueError, match=fault):
            some_nodes().descend(np.asarray(place, np.int64), pairs)

    def test_is_not_of_rows_of_several_nodes(self) -> None:
        nodes = some_nodes()
        nodes.descend(HALVES, pairs=1)
        with pytest.raises(ValueError, match="not the children of one"):
            nodes.descend(np.arange(40) % 2, pairs=1)

    def test_is_not_of_rows_that_were_left_out_before(self) -> None:
        nodes = some_nodes()
        nodes.descend(HALVES, pairs=1)
        nodes.descend(np.where(HALVES == 0, np.arange(40) % 2, -1), pairs=1)
        with pytest.raises(ValueError, match="not the children of one"):
            nodes.descend(np.where(HALVES == 1, np.arange(40) % 2, -1), pairs=1)

    def test_has_two_nodes_one_of_which_may_be_split(self) -> None:
        with pytest.raises(ValueError, match="fewer rows than the job's minimum"):
            some_nodes(minimum_node_rows=21).descend(HALVES, pairs=1)

    def test_is_not_below_the_depth_of_the_job(self) -> None:
        nodes = some_nodes(depth=1)
        with pytest.raises(ValueError, match="more levels than the job allows"):
            nodes.descend(HALVES, pairs=1)


class TestSplits:
    def test_part_the_rows_of_a_node_by_their_bins(self) -> None:
        went_left = some_nodes().split(a_split())
        assert went_left.tolist() == [True] * 20 + [False] * 20

    def test_part_rows_that_were_not_sampled_where_the_active_party_has_them(self) -> None:
        nodes = some_nodes(np.arange(40) >= 10)
        others = np.where(np.arange(10) < 4, 0, -1)
        went_left = nodes.split(replace(a_split(), others=others))
        assert went_left.tolist() == [True] * (4 + 10) + [False] * 20

    def test_part_one_node_of_several(self) -> None:
        nodes = some_nodes()
        nodes.descend(HALVES, pairs=1)
        went_left = nodes.split(a_split(place=1, column=0, left=(1, 1, 0, 0, 0)))
        assert went_left.tolist() == [True, True, False, False] * 5

    @pytest.mark.parametrize(
        ("split", "fault"),
        [
            (a_split(left=(0, 0, 0, 0, 0)), "fewer rows on a side"),
            (a_split(column=0, left=(1, 1, 1, 1, 1)), "fewer rows on a side"),
            (a_split(left=(1, 0, 0, 1, 0)), "bins that its column does not have"),
            (a_split(left=(1, 0, 1, 0, 0)), "bins that were summed together"),
            (a_split(place=1), "a node that there is not"),
            (a_split(place=-1), "or is none"),
            (replace(a_split(), left=np.ones((1, 3), np.bool_)), "do not fit together"),
            (replace(a_split(), others=np.zeros(3, np.int64)), "not of the 0 rows"),
            (replace(a_split(), place=np.array(0)), "not of the 1 rows"),
            (replace(a_split(), place=np.zeros((1, 1), np.int64)), "not of the 1 rows"),
        ],
    )
    def test_are_such_as_our_sums_could_have_led_to(self, split: NodeSplits, fault: str) -> None:
        with pytest.raises(ValueError, match=fault):
            some_nodes().split(split)

    def test_part_no_node_twice(self) -> None:
        nodes = some_nodes()
        nodes.split(a_split())
        with pytest.raises(ValueError, match="split twice"):
            nodes.split(a_split(column=0, left=(1, 1, 0, 0, 0)))

    def test_part_no_small_node(self) -> None:
        nodes = some_nodes()
        nodes.descend((np.arange(40) >= 5).astype(np.int64), pairs=1)
        with pytest.raises(ValueError, match="fewer rows than the job's minimum is split"):
            nodes.split(a_split(column=0, left=(1, 0, 0, 0, 0)))
