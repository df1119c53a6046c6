"""What a result measures, under which names."""

import numpy as np
import pytest

from isthmus.evaluation.classification import accuracy
from isthmus.evaluation.measures import RANKING, measure
from isthmus.evaluation.regression import mae, r2

LABEL = np.array([0.0, 1.0, 1.0, 0.0])


class TestMeasure:
    def test_names_each_measure_and_the_model(self) -> None:
        found = measure({"mae": mae, "r2": r2}, LABEL, LABEL, suffix="_central")
        assert found == {"mae_central": 0.0, "r2_central": 1.0}

    def test_ranks_scores_of_0_and_1_without_any_unit(self) -> None:
        assert measure(RANKING, LABEL, 100 * LABEL - 7) == {"auc": 1.0, "ks": 1.0}

    @pytest.mark.parametrize("label", [[], [1.0], [0.0, 0.0]], ids=["none", "one", "one class"])
    def test_finds_nothing_where_labels_do_not_differ(self, label: list[float]) -> None:
        assert measure(RANKING | {"r2": r2}, np.array(label), np.ones(len(label))) == {}

    def test_counts_the_rows_whose_class_scores_highest(self) -> None:
        scores = np.array([[0.9, 0.2, 0.6, 0.8], [0.1, 0.8, 0.4, 0.2]])
        assert measure({"accuracy": accuracy}, LABEL, scores) == {"accuracy": 0.75}
