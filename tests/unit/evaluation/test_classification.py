"""Measures of scores against labels, compared with their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.core.seeds import generator
from isthmus.evaluation.classification import (
    MAX_POINTS,
    Labels,
    LiftRow,
    auc,
    ks,
    ks_curve,
    lift,
    roc,
)

RANDOM = generator(7, "classification")
LABEL = (RANDOM.random(2000) < 0.3).astype(np.int64)
SCORE = LABEL + RANDOM.normal(size=2000)

rankings = st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=2, max_size=30).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def columns(rows: list[tuple[bool, int]]) -> tuple[Labels, Floats]:
    label, score = zip(*rows, strict=True)
    return np.array(label, dtype=np.int64), np.array(score, dtype=np.float64)


class TestAuc:
    @given(rankings)
    def test_is_the_chance_to_rank_a_pair_right(self, rows: list[tuple[bool, int]]) -> None:
        label, score = columns(rows)
        pairs = score[label == 1][:, None] - score[label == 0][None, :]
        assert auc(label, score) == pytest.approx(np.mean((pairs > 0) + (pairs == 0) / 2))


class TestKs:
    @given(rankings)
    def test_is_the_widest_gap_between_the_distributions(
        self, rows: list[tuple[bool, int]]
    ) -> None:
        label, score = columns(rows)
        above = score[:, None] >= np.append(np.unique(score), np.inf)
        gaps = above[label == 1].mean(axis=0) - above[label == 0].mean(axis=0)
        assert ks(label, score) == pytest.approx(gaps.max())

    def test_the_curve_has_the_widest_gap_on_it(self) -> None:
        curve = ks_curve(LABEL, SCORE)
        widest = curve.share.index(curve.at)
        assert curve.positives[widest] - curve.negatives[widest] == curve.ks
        assert curve.ks == ks(LABEL, SCORE)

    def test_the_curve_counts_rows_by_falling_score(self) -> None:
        label, score = np.array([1, 0, 1, 0]), np.array([4.0, 3.0, 2.0, 1.0])
        curve = ks_curve(label, score)
        assert curve.share == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])
        assert curve.positives == pytest.approx([0.0, 0.5, 0.5, 1.0, 1.0])
        assert curve.negatives == pytest.approx([0.0, 0.0, 0.5, 0.5, 1.0])


class TestRoc:
    def test_goes_from_corner_to_corner_in_few_points(self) -> None:
        curve = roc(LABEL, SCORE)
        assert (curve.false_positive_rate[0], curve.true_positive_rate[0]) == (0.0, 0.0)
        assert (curve.false_positive_rate[-1], curve.true_positive_rate[-1]) == (1.0, 1.0)
        assert len(curve.false_positive_rate) == MAX_POINTS

    def test_has_the_area_of_the_auc(self) -> None:
        curve = roc(LABEL, SCORE)
        area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
        assert area == pytest.approx(auc(LABEL, SCORE), abs=0.002)


class TestLift:
    def test_counts_positives_group_by_group(self) -> None:
        label = np.array([0, 0, 0, 1, 0, 1, 1, 1])
        score = np.arange(8.0)
        assert lift(label, score, groups=2) == [
            LiftRow(group=1, rows=4, positives=3, rate=0.75, lift=1.5, captured=0.75),
            LiftRow(group=2, rows=4, positives=1, rate=0.25, lift=0.5, captured=1.0),
        ]

    @given(rankings, st.integers(1, 40))
    def test_every_row_is_in_one_group(self, rows: list[tuple[bool, int]], groups: int) -> None:
        label, score = columns(rows)
        result = lift(label, score, groups)
        assert sum(row.rows for row in result) == len(label)
        assert sum(row.positives for row in result) == label.sum()
        assert result[-1].captured == 1.0


@pytest.mark.parametrize("measure", [auc, ks, roc, ks_curve, lift])
class TestAdvice:
    @pytest.mark.parametrize("label", [np.zeros(3, np.int64), np.ones(3, np.int64)])
    def test_one_class_only(self, measure: type, label: Labels) -> None:
        with pytest.raises(SpecError, match=r"hold one class only.*Raise the share of test rows"):
            measure(label, np.arange(3.0))

    def test_no_rows(self, measure: type) -> None:
        with pytest.raises(SpecError, match="hold one class only"):
            measure(np.zeros(0, np.int64), np.zeros(0))

    def test_labels_of_another_kind(self, measure: type) -> None:
        with pytest.raises(SpecError, match="not 0 or 1 everywhere"):
            measure(np.array([1, 2, 1]), np.arange(3.0))

    def test_scores_that_are_not_numbers(self, measure: type) -> None:
        with pytest.raises(SpecError, match="the training diverged"):
            measure(np.array([0, 1]), np.array([0.5, np.nan]))
