"""Points of bins, scores in points, and the columns that cost most of them."""

import math

import numpy as np
import pytest

from isthmus.data.binning import Numeric
from isthmus.vertical.preparation import scorecard
from isthmus.vertical.preparation.columns import Evidence, Prepared
from isthmus.vertical.preparation.spec import Scorecard
from isthmus.vertical.regression.model import Column, Part

SPEC = Scorecard(points=600, odds=20, double=20, reasons=2)


def column(name: str, *weights: float) -> Evidence:
    ends = [float(at) for at in range(len(weights) - 1)]
    ones = [1] * len(weights)
    groups = [*range(len(weights)), 0]
    return Evidence(Numeric(name, ends), groups, ones, ones, list(weights), 0.1)


PREPARED = Prepared(columns=[column("age", -1.0, 0.0, 2.0), column("income", 0.5, -0.5)])
PART = Part(
    "binomial",
    [Column("age", 0.2, 0.5, 0.3), Column("income", 0.1, 0.25, -0.2)],
    intercept=-1.5,
)


class TestPoints:
    def test_of_bins_and_base_add_up_to_those_of_the_score(self) -> None:
        found = scorecard.points(PART, PREPARED, SPEC)
        assert found.base is not None
        first, second = found.bins[2], found.bins[3]
        assert (first.column, second.column) == ("age", "income")
        likely = PART.predict(np.array([[2.0, 0.5]]))
        total = found.base + (first.points or 0.0) + (second.points or 0.0)
        assert scorecard.of_scores(likely, SPEC) == pytest.approx([total])

    def test_at_the_odds_of_the_job_are_those_of_the_job(self) -> None:
        assert scorecard.of_scores(np.array([1 / 21]), SPEC) == pytest.approx([600.0])

    def test_rise_by_the_same_wherever_odds_double(self) -> None:
        odds = np.array([5.0, 10.0, 20.0, 40.0])
        assert np.diff(scorecard.of_scores(1 / (1 + odds), SPEC)) == pytest.approx([20.0] * 3)

    def test_of_certain_rows_are_numbers(self) -> None:
        assert np.isfinite(scorecard.of_scores(np.array([0.0, 1.0]), SPEC)).all()

    def test_have_no_base_where_there_is_no_intercept(self) -> None:
        part = Part("binomial", PART.columns)
        assert scorecard.points(part, PREPARED, SPEC).base is None


class TestReasons:
    ROWS = np.array([[2.0, -0.5], [2.0, 0.5], [-1.0, 0.5]])

    def test_are_the_columns_that_cost_most_beside_their_best_bin(self) -> None:
        found = scorecard.reasons(PART, PREPARED, self.ROWS, SPEC)
        assert found.names == [["age", "age", ""], ["income", "", ""]]
        factor = 20 / math.log(2)
        assert found.lost[0] == pytest.approx([factor * 0.3 * 3 / 0.5] * 2 + [0.0])
        assert found.lost[1] == pytest.approx([factor * 0.2 * 1 / 0.25, 0.0, 0.0])

    def test_come_with_the_points_of_our_columns(self) -> None:
        found = scorecard.reasons(PART, PREPARED, self.ROWS, SPEC)
        factor = 20 / math.log(2)
        assert found.points == pytest.approx(-factor * (PART.predictor(self.ROWS) + 1.5))
