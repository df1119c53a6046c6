import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.horizontal.actor_critic.reward import reward, standardised

accuracies = st.lists(st.floats(0, 1), min_size=2, max_size=9).map(np.array)


class TestReward:
    def test_is_g_to_the_accuracy_gained(self) -> None:
        assert reward(np.array([0.5, 0.75, 0.25]), 0.5, 16.0) == pytest.approx([1, 2, 0.5])

    def test_tells_nothing_apart_where_g_is_one(self) -> None:
        assert reward(np.array([0.1, 0.9]), 0.5, 1.0).tolist() == [1, 1]

    @given(accuracies)
    def test_orders_as_accuracy_does(self, after: np.ndarray) -> None:
        order = np.argsort(after, kind="stable")
        assert (np.diff(reward(after, 0.5, 64.0)[order]) >= 0).all()


class TestStandardised:
    @given(accuracies)
    def test_has_mean_0_and_deviation_below_1(self, after: np.ndarray) -> None:
        found = standardised(reward(after, 0.5, 64.0), 64.0)
        assert found.mean() == pytest.approx(0, abs=1e-9)
        assert found.std() <= 1

    def test_makes_little_of_little(self) -> None:
        near = standardised(reward(np.array([0.5, 0.5001]), 0.5, 64.0), 64.0)
        far = standardised(reward(np.array([0.5, 0.6]), 0.5, 64.0), 64.0)
        assert np.ptp(near) < 0.05
        assert np.ptp(far) > 1

    def test_is_0_where_g_is_one(self) -> None:
        assert standardised(np.ones(3), 1.0).tolist() == [0, 0, 0]
