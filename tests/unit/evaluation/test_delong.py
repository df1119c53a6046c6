# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""Intervals of the AUC: DeLong's variance, which knows that two models rank the same rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.evaluation.delong import auc_gain, auc_interval, delong


def by_definition(label: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """AUC and covariance as in DeLong et al. 1988, from every pair of a positive and a negative."""
    ahead = scores[:, label == 1][:, :, None] - scores[:, label == 0][:, None, :]
    wins = (ahead > 0) + 0.5 * (ahead == 0)  # (models, positives, negatives)
    spread = np.cov(wins.mean(axis=2)) / wins.shape[1] + np.cov(wins.mean(axis=1)) / wins.shape[2]
    return wins.mean(axis=(1, 2)), np.atleast_2d(spread)


def rows(count: int, shift: float, seed: int = 0) -> tuple[Floats, Floats]:
    """Labels, and scores of two models, the second of which knows less."""
    chance = np.random.default_rng(seed)
    label = (np.arange(count) % 3 == 0).astype(float)
    better = shift * label + chance.normal(size=count)
    return label, np.stack([better, better + chance.normal(size=count)])


class TestDelong:
    @given(st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 4)), min_size=4))
    def test_is_that_of_the_definition(self, found: list[tuple[bool, int, int]]) -> None:
        label = np.array([0, 0, 1, 1, *(each[0] for each in found)], float)
        scores = np.array([[0, 1], [2, 2], [1, 3], [2, 1], *(each[1:] for each in found)], float).T
        values, covariance = delong(label, scores)
        expected, spread = by_definition(label, scores)
        assert values == pytest.approx(expected)
        assert covariance == pytest.approx(spread, abs=1e-12)
        assert values == pytest.approx([roc_auc_score(label, each) for each in scores])

    @pytest.mark.parametrize("label", [[1, 0, 0, 0], [1, 1, 0, 1], [1, 1, 1, 1]])
    def test_needs_two_rows_of_each_class(self, label: list[float]) -> None:
        with pytest.raises(SpecError, match="an interval takes 2 rows of each class, and there"):
            delong(np.array(label), np.arange(4.0)[None])


class TestInterval:
    def test_holds_the_true_auc_about_as_often_as_it_says(self) -> None:
        true = 0.7602  # of two normal distributions one apart: the normal distribution at 1/sqrt(2)
        held = 0
        for seed in range(400):
            label, scores = rows(200, 1.0, seed)
            found = auc_interval(label, scores[0])
            held += found.low <= true <= found.high
        assert 0.92 <= held / 400 <= 0.98

    def test_is_narrower_with_more_rows(self) -> None:
        few, many = (
            auc_interval(label, scores[0]) for label, scores in (rows(90, 1), rows(900, 1))
        )
        assert many.high - many.low < 0.5 * (few.high - few.low)

    def test_stays_between_zero_and_one(self) -> None:
        found = auc_interval(np.array([0.0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.5, 0.9]))
        assert found.value < found.high == 1.0

    @pytest.mark.parametrize("score", [np.arange(6.0), np.zeros(6)], ids=["perfect", "constant"])
    def test_is_none_where_no_pair_of_rows_could_have_come_out_otherwise(
        self, score: Floats
    ) -> None:
        with pytest.raises(SpecError, match="alike or without a mistake"):
            auc_interval(np.array([0.0, 0, 0, 1, 1, 1]), score)


class TestGain:
    def test_is_surer_than_two_intervals_apart(self) -> None:
        label, scores = rows(600, 1.0)
        gain = auc_gain(label, scores[0], scores[1])
        ours, other = (auc_interval(label, each) for each in scores)
        assert gain.value == pytest.approx(ours.value - other.value)
        assert gain.high - gain.low < (ours.high - ours.low) + (other.high - other.low)
        assert gain.low > 0
        assert gain.p < 0.05

    def test_is_no_gain_where_a_model_only_guesses_otherwise(self) -> None:
        every = [rows(150, 0.0, seed) for seed in range(300)]
        gains = [auc_gain(label, scores[0], scores[1]) for label, scores in every]
        assert 0.02 <= np.mean([gain.p < 0.05 for gain in gains]) <= 0.09
        assert all((gain.p < 0.05) == (gain.low > 0 or gain.high < 0) for gain in gains)

    @pytest.mark.parametrize("factor", [1.0, 3.0], ids=["same", "scaled"])
    def test_is_not_known_where_both_rank_alike(self, factor: float) -> None:
        label, scores = rows(60, 1.0)
        with pytest.raises(SpecError, match="both models rank the rows alike"):
            auc_gain(label, scores[0], factor * scores[0])
