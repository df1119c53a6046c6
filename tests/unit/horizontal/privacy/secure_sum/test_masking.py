"""Updates as whole numbers modulo 2^32, and the masks on them."""

import secrets

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.horizontal.privacy.secure_sum.masking import clipped, mask, to_mean, to_words

LARGEST = 8.0
UNIT = LARGEST / 2**30


def vectors(children: int) -> st.SearchStrategy[list[list[float]]]:
    number = st.floats(-4.0, 4.0, width=32)
    return st.lists(st.lists(number, min_size=3, max_size=3), min_size=children, max_size=children)


class TestClipped:
    def test_leaves_short_updates_as_they_are(self) -> None:
        update = np.array([3.0, -4.0], np.float32)
        assert clipped(update, 5.0).tolist() == [3.0, -4.0]

    def test_scales_long_ones_down_to_the_norm(self) -> None:
        update = np.array([30.0, -40.0], np.float32)
        assert clipped(update, 5.0) == pytest.approx([3.0, -4.0])

    def test_leaves_nothing_where_nothing_moves(self) -> None:
        assert clipped(np.zeros(2, np.float32), 5.0).tolist() == [0.0, 0.0]


class TestWords:
    @given(vectors(4), st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4))
    def test_sum_to_the_weighted_mean_within_half_a_unit_per_child(
        self, updates: list[list[float]], shares: list[float]
    ) -> None:
        weights = [share / sum(shares) for share in shares]
        arrays = [np.array(update, np.float32) for update in updates]
        total = np.zeros(3, np.uint32)
        for it, weight in zip(arrays, weights, strict=True):
            total += to_words(it, weight, LARGEST)
        due = sum(weight * it.astype(float) for it, weight in zip(arrays, weights, strict=True))
        mean = to_mean(total, sum(weights), LARGEST).astype(float)
        rounding_of_the_result = np.abs(due) * 2**-23
        assert (np.abs(mean - due) <= 2 * UNIT + rounding_of_the_result).all()

    @pytest.mark.parametrize("children", [1, 3, 1000])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_never_wrap_around_when_all_children_are_at_the_bound(
        self, children: int, sign: int
    ) -> None:
        update = np.array([sign * LARGEST, 0.0], np.float32)
        total = np.zeros(2, np.uint32)
        for _ in range(children):
            total += to_words(update, 1 / children, LARGEST)
        assert to_mean(total, 1.0, LARGEST) == pytest.approx([sign * LARGEST, 0.0], abs=1e-5)

    def test_of_an_update_beyond_the_bound_are_those_of_one_at_it(self) -> None:
        words = to_words(np.array([1e30, 0.0], np.float32), 0.5, LARGEST)
        assert to_mean(words, 0.5, LARGEST) == pytest.approx([LARGEST, 0.0])


class TestMask:
    def test_is_the_same_for_the_same_key_only(self) -> None:
        key = secrets.token_bytes(32)
        assert np.array_equal(mask(key, 1000), mask(key, 1000))
        assert not np.array_equal(mask(key, 1000), mask(secrets.token_bytes(32), 1000))

    def test_takes_all_words_about_equally_often(self) -> None:
        words = mask(secrets.token_bytes(32), 100_000)
        found, _ = np.histogram(words, bins=10, range=(0, 2**32))
        assert found == pytest.approx(np.full(10, 10_000), rel=0.1)
