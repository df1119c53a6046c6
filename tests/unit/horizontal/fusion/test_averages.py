import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Floats
from isthmus.core.errors import JobError
from isthmus.horizontal.fusion.averages import (
    capped,
    chosen_weights,
    count_weights,
    least_under,
    uniform_weights,
    weighted_sum,
)
from isthmus.horizontal.fusion.spec import WeightCaps

probabilities = st.lists(st.floats(0, 1), min_size=4, max_size=20).filter(any)


class TestWeightedSum:
    def test_adds_updates_times_their_weights(self) -> None:
        updates = np.array([[1, 2], [10, 20]], np.float32)
        fused = weighted_sum(updates, np.array([0.5, 0.25]))
        assert fused.tolist() == [3.0, 6.0]
        assert fused.dtype == np.float32

    def test_sums_in_double_precision(self) -> None:
        # In single precision 1e8 + 1 is 1e8.
        updates = np.array([[1e8], [1], [-1e8]], np.float32)
        assert weighted_sum(updates, np.ones(3)).tolist() == [1.0]


class TestCountWeights:
    def test_are_shares_of_all_samples(self) -> None:
        assert count_weights(np.array([1, 3, 4])).tolist() == [0.125, 0.375, 0.5]

    @given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 2**32))
    def test_make_the_mean_over_all_samples_of_the_means_of_the_children(
        self, counts: list[int], seed: int
    ) -> None:
        samples = np.random.default_rng(seed).normal(size=(sum(counts), 5))
        of_child = np.split(samples, np.cumsum(counts)[:-1])
        updates = np.array([child.mean(axis=0) for child in of_child], np.float32)
        fused = weighted_sum(updates, count_weights(np.array(counts)))
        assert fused == pytest.approx(samples.mean(axis=0), abs=1e-6)


class TestUniformWeights:
    def test_are_equal(self) -> None:
        assert uniform_weights(4).tolist() == [0.25] * 4


class TestCapped:
    def test_shares_what_is_above_the_cap_in_proportion(self) -> None:
        # .2 above the cap goes to .2, .2 and .1 of the others: two fifths, two fifths, one fifth.
        weights = capped(np.array([0.5, 0.2, 0.2, 0.1]), WeightCaps(largest=0.3))
        assert weights == pytest.approx([0.3, 0.28, 0.28, 0.14])

    def test_caps_whoever_the_share_lifts_above_it(self) -> None:
        # .3 of .7, in proportion to .29 : .01 : .01 : .01, would lift the second to .6.
        weights = capped(np.array([0.68, 0.29, 0.01, 0.01, 0.01]), WeightCaps(largest=0.3))
        assert weights == pytest.approx([0.3, 0.3, 0.4 / 3, 0.4 / 3, 0.4 / 3])

    def test_shares_equally_among_those_that_had_nothing(self) -> None:
        weights = capped(np.array([1.0, 0, 0, 0, 0]), WeightCaps(largest=0.4))
        assert weights == pytest.approx([0.4, 0.15, 0.15, 0.15, 0.15])

    def test_moves_concentrated_weights_towards_equal_ones(self) -> None:
        # 1 / sum of squares is 1.8 / .9 = 2 of two children; of three at least 2.5 are asked for.
        caps = WeightCaps(largest=0.5, effective_children=2.5)
        weights = capped(np.array([0.5, 0.5, 0.0]), caps)
        assert 1 / float(weights @ weights) == pytest.approx(2.5)
        assert weights[0] == weights[1] > weights[2] > 0

    def test_leaves_weights_within_the_caps_alone(self) -> None:
        within = np.array([0.3, 0.25, 0.25, 0.2])
        assert capped(within, WeightCaps()) == pytest.approx(within)

    @given(probabilities, st.floats(0.25, 1), st.floats(1, 4))
    def test_holds_for_any_weights(
        self, raw: list[float], largest: float, effective: float
    ) -> None:
        caps = WeightCaps(largest=largest, effective_children=effective)
        before = np.array(raw) / sum(raw)
        weights = capped(before, caps)
        assert weights.sum() == pytest.approx(1)
        assert weights.min() >= 0
        assert weights.max() <= largest + 1e-12
        assert 1 / float(weights @ weights) >= effective - 1e-6
        assert (np.diff(weights[np.argsort(before)]) >= -1e-9).all()

    def test_of_default_caps_needs_four_children(self) -> None:
        assert least_under(WeightCaps()) == 4
        with pytest.raises(JobError, match=r"3 children take part .* need 4"):
            capped(uniform_weights(3), WeightCaps())

    def test_at_the_least_number_are_equal_weights(self) -> None:
        caps = WeightCaps(largest=0.2, effective_children=5)
        assert capped(np.array([0.9, 0.1, 0, 0, 0]), caps) == pytest.approx([0.2] * 5)


class TestChosenWeights:
    def test_are_those_of_the_actor_critic_without_caps(self) -> None:
        assert chosen_weights(np.array([0.75, 0.25]), None).tolist() == [0.75, 0.25]

    def test_are_capped_with_caps(self) -> None:
        chosen = np.array([0.5, 0.2, 0.2, 0.1])
        assert chosen_weights(chosen, WeightCaps()).max() == pytest.approx(0.3)

    @pytest.mark.parametrize(
        "weights",
        [np.array([1.5, -0.5]), np.array([0.5, 0.6]), np.array([np.nan, 1.0])],
        ids=["negative", "sum above 1", "not a number"],
    )
    def test_must_be_probabilities(self, weights: Floats) -> None:
        with pytest.raises(ValueError, match="no probabilities"):
            chosen_weights(weights, None)
