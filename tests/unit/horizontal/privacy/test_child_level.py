"""Differential privacy of whole children. Bounds are six standard deviations wide."""

import numpy as np
import pytest

from isthmus.horizontal.privacy.child_level import noised, noised_mean
from isthmus.horizontal.privacy.spec import ChildLevel

NO_NOISE = 1e-9


class TestNoisedMean:
    def test_is_the_mean_of_updates_within_the_norm(self) -> None:
        updates = np.array([[3.0, 4.0], [0.0, 0.1]], np.float32)
        asked = ChildLevel(noise=NO_NOISE, largest_norm=1.0)
        found = noised_mean(updates, np.array([0.25, 0.75]), asked)
        assert found == pytest.approx([0.15, 0.2 + 0.075])
        assert found.dtype == np.float32

    def test_has_noise_in_proportion_to_what_one_child_can_change(self) -> None:
        updates = np.zeros((3, 50_000), np.float32)
        asked = ChildLevel(noise=2.0, largest_norm=0.5)
        found = noised_mean(updates, np.array([0.2, 0.2, 0.6]), asked)
        assert found.std() == pytest.approx(2.0 * 0.5 * 0.6, rel=0.02)

    def test_moves_no_further_than_that_when_a_child_is_left_out(self) -> None:
        generator = np.random.default_rng(2)
        updates = generator.normal(size=(4, 10), scale=100).astype(np.float32)
        without = updates.copy()
        without[3] = 0
        asked = ChildLevel(noise=NO_NOISE, largest_norm=2.0)
        weights = np.array([0.1, 0.2, 0.3, 0.4])
        apart = noised_mean(updates, weights, asked) - noised_mean(without, weights, asked)
        assert np.linalg.norm(apart) <= 2.0 * 0.4 * (1 + 1e-5)


class TestNoised:
    def test_is_never_the_same(self) -> None:
        mean = np.zeros(3, np.float32)
        assert not np.array_equal(noised(mean, 0.5, ChildLevel()), noised(mean, 0.5, ChildLevel()))
