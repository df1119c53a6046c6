"""The AUC of a stream of batches from counts that add up."""

import numpy as np
import pytest

from isthmus.evaluation.classification import auc
from isthmus.multitask.network.tally import aucs, tally


class TestAucs:
    def test_of_added_counts_is_that_of_all_rows_but_for_the_width_of_a_step(self) -> None:
        random = np.random.default_rng(1)
        scores = random.random(2000).astype(np.float32)
        labels = (random.random((2000, 1)) < scores[:, None]).astype(np.float32)
        parts = [slice(begin, begin + 100) for begin in range(0, 2000, 100)]
        counts = sum(tally({0: scores[part]}, labels[part]) for part in parts)
        assert isinstance(counts, np.ndarray)
        expected = auc(labels[:, 0].astype(np.float64), scores.astype(np.float64))
        assert aucs(counts, ["ctr"]) == {"auc_ctr": pytest.approx(expected, abs=2e-3)}

    def test_of_equal_scores_is_one_half(self) -> None:
        labels = np.array([[0], [1], [1]], np.float32)
        assert aucs(tally({0: np.full(3, 0.5, np.float32)}, labels), ["ctr"]) == {"auc_ctr": 0.5}

    def test_counts_no_missing_label(self) -> None:
        labels = np.array([[0], [1], [np.nan]], np.float32)
        scores = np.array([0.1, 0.9, 0.0], np.float32)
        assert aucs(tally({0: scores}, labels), ["ctr"]) == {"auc_ctr": 1.0}

    def test_leaves_out_a_task_with_labels_of_one_kind(self) -> None:
        labels = np.array([[0, 1], [1, 1]], np.float32)
        scores = np.array([0.2, 0.8], np.float32)
        assert aucs(tally({0: scores, 1: scores}, labels), ["ctr", "cvr"]) == {"auc_ctr": 1.0}

    def test_of_nothing_is_nothing(self) -> None:
        assert aucs(np.empty(0, np.float32), ["ctr"]) == {}
