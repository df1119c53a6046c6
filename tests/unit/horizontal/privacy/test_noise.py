"""Chance that nobody can foresee. Bounds are six standard deviations wide, or more."""

import numpy as np
import pytest
from scipy.stats import kstest

from isthmus.horizontal.privacy.noise import gaussian, poisson_batches, uniform


class TestUniform:
    def test_is_between_zero_and_one_and_even(self) -> None:
        found = uniform(100_000)
        assert 0 < found.min() < found.max() < 1
        assert kstest(found, "uniform").pvalue > 1e-9

    def test_is_other_every_time(self) -> None:
        assert not set(uniform(100)) & set(uniform(100))


class TestGaussian:
    def test_is_normal_with_the_deviation(self) -> None:
        found = gaussian(100_000, 3.0)
        assert kstest(found / 3.0, "norm").pvalue > 1e-9
        assert found.std() == pytest.approx(3.0, rel=0.015)

    def test_does_not_follow_from_any_seed(self) -> None:
        np.random.default_rng(1)
        assert not np.array_equal(gaussian(5, 1.0), gaussian(5, 1.0))


class TestPoissonBatches:
    def test_hold_each_sample_at_the_rate(self) -> None:
        batches = list(poisson_batches(samples=100, rate=0.3, steps=1000))
        assert len(batches) == 1000
        counts = np.bincount(np.concatenate(batches), minlength=100)
        assert counts == pytest.approx(np.full(100, 300), abs=100)
        assert len({len(it) for it in batches}) > 5

    def test_may_hold_all_or_none(self) -> None:
        (whole,) = poisson_batches(samples=4, rate=1.0, steps=1)
        assert whole.tolist() == [0, 1, 2, 3]
        assert all(len(it) == 0 for it in poisson_batches(samples=4, rate=0.0, steps=3))
