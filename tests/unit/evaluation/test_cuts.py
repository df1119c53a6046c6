"""Decisions at a score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.evaluation.cuts import cuts

LABEL = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
SCORE = np.linspace(1.0, 0.1, 10)

rows = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), min_size=1, max_size=20)


class TestCuts:
    def test_counts_what_a_decision_would_have_done(self) -> None:
        (cut,) = cuts(LABEL, SCORE, [0.3])
        assert cut.score == pytest.approx(0.8)
        assert (cut.true_positives, cut.false_positives) == (2, 1)
        assert (cut.false_negatives, cut.true_negatives) == (1, 6)
        assert cut.precision == pytest.approx(2 / 3)
        assert cut.recall == pytest.approx(2 / 3)

    def test_takes_rows_with_equal_scores_together(self) -> None:
        found = cuts(LABEL, np.full(10, 0.5))
        assert [cut.share for cut in found] == [1.0]

    def test_knows_no_recall_where_there_are_no_positives(self) -> None:
        (cut,) = cuts(np.zeros(4), np.arange(4.0), [0.5])
        assert (cut.precision, cut.recall) == (0.0, None)

    @given(rows)
    def test_add_up_to_all_rows(self, found: list[tuple[float, float]]) -> None:
        label, score = np.array(found).T
        table = cuts(label, score)
        assert [cut.score for cut in table] == sorted({cut.score for cut in table}, reverse=True)
        for cut in table:
            positives = cut.true_positives + cut.false_negatives
            negatives = cut.false_positives + cut.true_negatives
            assert (positives, negatives) == (label.sum(), (1 - label).sum())
            assert min(cut.true_positives, cut.false_positives, cut.true_negatives) >= 0
