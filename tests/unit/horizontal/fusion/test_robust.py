"""Rules that hold when some children lie, on cases worked out by hand and on any liar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.horizontal.fusion.averages import weighted_sum
from isthmus.horizontal.fusion.robust import fltrust, krum_weights, median, trimmed_mean
from isthmus.horizontal.parameters import Updates

wild = st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=3, max_size=3)


def rows(*updates: list[float]) -> Updates:
    return np.array(updates, np.float32)


def honest(seed: int, children: int) -> Updates:
    return np.random.default_rng(seed).normal(size=(children, 3)).astype(np.float32)


class TestTrimmedMean:
    def test_leaves_out_the_ends_of_each_coordinate(self) -> None:
        updates = rows([1, 50], [2, 10], [3, 20], [6, 30], [99, -7])
        assert trimmed_mean(updates, 1) == pytest.approx([11 / 3, 20])

    def test_is_the_same_over_many_blocks_of_columns(self) -> None:
        updates = np.random.default_rng(0).normal(size=(5, 40_000)).astype(np.float32)
        expected = np.sort(updates, axis=0)[1:-1].mean(axis=0)
        assert trimmed_mean(updates, 1) == pytest.approx(expected, abs=1e-6)

    @given(st.integers(0, 2**32), wild, wild)
    def test_stays_within_the_honest_range(
        self, seed: int, liar: list[float], other: list[float]
    ) -> None:
        truth = honest(seed, 3)
        fused = trimmed_mean(np.vstack([rows(liar, other), truth]), 2)
        assert (truth.min(axis=0) <= fused).all()
        assert (fused <= truth.max(axis=0)).all()


class TestMedian:
    def test_of_an_odd_number_is_the_middle_value(self) -> None:
        assert median(rows([1, 9], [5, 2], [3, 4])).tolist() == [3, 4]

    def test_of_an_even_number_is_the_mean_of_the_middle_two(self) -> None:
        assert median(rows([1], [100], [4], [2])).tolist() == [3]

    def test_of_one_child_is_its_update(self) -> None:
        assert median(rows([7, -7])).tolist() == [7, -7]

    @given(st.integers(0, 2**32), st.integers(2, 5), wild)
    def test_stays_within_the_honest_range(
        self, seed: int, children: int, liar: list[float]
    ) -> None:
        truth = honest(seed, children)
        fused = median(np.vstack([rows(liar), truth]))
        assert (truth.min(axis=0) <= fused).all()
        assert (fused <= truth.max(axis=0)).all()


class TestKrumWeights:
    def test_keep_those_with_the_closest_neighbours(self) -> None:
        # n = 6, f = 1: scores over the three closest others, of which three are kept.
        # 0: 1+4+25=30; 1: 1+1+16=18; 2: 4+1+9=14; 5: 9+16+25=50; 9: 16+49+64=129; 100: far.
        updates = rows([0], [1], [2], [5], [9], [100])
        assert krum_weights(updates, 1) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0, 0, 0])

    def test_keep_all_that_tie_with_the_last(self) -> None:
        # n = 5, f = 1: two are kept; scores over two others are 5, 2, 2, 5 and more.
        updates = rows([0], [1], [2], [3], [50])
        assert krum_weights(updates, 1).tolist() == [0, 0.5, 0.5, 0, 0]
        # Corners of a square: all have score 1 + 1.
        square = rows([0, 0], [0, 1], [1, 0], [1, 1], [50, 50])
        assert krum_weights(square, 1).tolist() == [0.25, 0.25, 0.25, 0.25, 0]

    def test_of_equal_updates_make_that_update(self) -> None:
        updates = np.tile(honest(3, 1), (7, 1))
        assert weighted_sum(updates, krum_weights(updates, 2)) == pytest.approx(updates[0])

    @given(st.integers(0, 2**32), wild)
    def test_never_move_the_result_out_of_the_honest_range(
        self, seed: int, liar: list[float]
    ) -> None:
        # A liar may stay unseen among the honest, and is then as close to them as they are.
        truth = honest(seed, 7)
        updates = np.vstack([rows(liar), truth])
        fused = weighted_sum(updates, krum_weights(updates, 1))
        widest = np.linalg.norm(truth[:, None] - truth, axis=2).max()
        assert np.linalg.norm(fused - truth, axis=1).min() <= 2 * widest

    def test_give_nothing_to_a_child_far_away(self) -> None:
        updates = np.vstack([honest(4, 7), rows([1e6, 0, 0])])
        assert krum_weights(updates, 1)[-1] == 0

    def test_do_not_lose_small_differences_beside_a_huge_update(self) -> None:
        updates = np.vstack([rows([0.0], [1e-3], [3e-3], [7e-3], [1e4])])
        assert krum_weights(updates, 1).tolist() == [0.5, 0.5, 0, 0, 0]


class TestFLTrust:
    def test_weighs_by_cosine_and_scales_to_the_length_of_the_root(self) -> None:
        # Cosines to (5, 0): 1, .6, and -1, which counts nothing. Scaled: (5, 0), (3, 4).
        updates = rows([0.5, 0], [30, 40], [-9, 0])
        update, weights = fltrust(updates, np.array([5, 0], np.float32))
        assert weights == pytest.approx([1 / 1.6, 0.6 / 1.6, 0])
        assert update == pytest.approx([(5 + 0.6 * 3) / 1.6, 0.6 * 4 / 1.6])

    def test_is_the_root_update_where_no_child_agrees_with_it(self) -> None:
        root = np.array([1, 2], np.float32)
        update, weights = fltrust(rows([-1, -2], [0, 0], [2, -1]), root)
        assert (update.tolist(), weights.tolist()) == ([1, 2], [0, 0, 0])

    def test_of_a_root_that_does_not_move_does_not_move(self) -> None:
        update, _ = fltrust(rows([1, 1], [2, 0]), np.zeros(2, np.float32))
        assert update.tolist() == [0, 0]

    @given(st.integers(0, 2**32), wild)
    def test_never_moves_further_than_the_root_nor_against_it(
        self, seed: int, liar: list[float]
    ) -> None:
        root = np.array([1, 2, 2], np.float32)
        update, _ = fltrust(np.vstack([rows(liar), honest(seed, 4)]), root)
        assert np.linalg.norm(update) <= 3 + 1e-5
        assert update @ root >= 0

    def test_does_not_notice_a_child_that_flips_its_sign_whatever_its_length(self) -> None:
        root = np.array([1, 1, 1], np.float32)
        truth = root + honest(5, 4) / np.float32(4)
        with_liar = np.vstack([truth, np.float32(-1e20) * truth[:1]])
        assert fltrust(with_liar, root)[0] == pytest.approx(fltrust(truth, root)[0])
