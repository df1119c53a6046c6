# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
"""Scores as probabilities: what they promise, and what came."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from isthmus.evaluation.probabilities import brier, calibration, in_quantiles, log_loss, quantiles

LABEL = np.array([0.0, 0.0, 1.0, 1.0])
SCORE = np.array([0.1, 0.4, 0.35, 0.8])

scores = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)


class TestBrier:
    def test_is_that_of_scikit_learn(self) -> None:
        assert brier(LABEL, SCORE) == pytest.approx(brier_score_loss(LABEL, SCORE))

    def test_is_zero_where_all_is_known(self) -> None:
        assert brier(LABEL, LABEL) == 0.0


class TestLogLoss:
    def test_is_the_mean_logarithm_of_what_happened(self) -> None:
        assert log_loss(LABEL, SCORE) == pytest.approx(-np.log([0.9, 0.6, 0.35, 0.8]).mean())

    def test_is_finite_where_a_sure_score_is_wrong(self) -> None:
        assert 10 < log_loss(np.array([1.0]), np.array([0.0])) < 100

    def test_takes_rows_of_one_class(self) -> None:
        assert log_loss(np.ones(3), np.full(3, 0.5)) == pytest.approx(np.log(2))


class TestCalibration:
    def test_groups_rows_of_similar_scores(self) -> None:
        chance = np.random.default_rng(0)
        score = chance.random(1000)
        label = (chance.random(1000) < score).astype(float)
        groups = calibration(label, score)
        assert [group.rows for group in groups] == [100] * 10
        assert [group.expected for group in groups] == sorted(group.expected for group in groups)
        inside = [group.low <= group.expected <= group.high for group in groups]
        assert sum(inside) >= 8

    def test_shows_scores_that_are_too_high(self) -> None:
        groups = calibration(np.zeros(200), np.full(200, 0.3))
        assert len(groups) == 1
        assert groups[0].expected == pytest.approx(0.3)
        assert groups[0].observed == 0.0
        assert groups[0].high < 0.3

    @given(scores)
    def test_counts_every_row_once(self, score: np.ndarray) -> None:
        groups = calibration((score > 0.5).astype(float), score)
        assert sum(group.rows for group in groups) == len(score)
        assert len(groups) <= 10
        assert all(0 <= group.low <= group.observed <= group.high <= 1 for group in groups)


class TestQuantiles:
    @given(scores, st.integers(1, 12))
    def test_part_values_into_groups_of_about_equal_size(
        self, values: np.ndarray, groups: int
    ) -> None:
        bounds = quantiles(values, groups)
        assert len(bounds) < groups
        found = in_quantiles(values, bounds)
        assert found.min() >= 0
        assert found.max() <= len(bounds)
        if len(np.unique(values)) == len(values) >= groups:
            counts = np.bincount(found)
            assert counts.max() - counts.min() <= 1

    def test_has_none_of_no_values(self) -> None:
        assert len(quantiles(np.empty(0), 10)) == 0
