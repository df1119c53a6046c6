"""What a result measures, under which names."""

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.evaluation.classification import accuracy
from isthmus.evaluation.measures import RANKING, measure
from isthmus.evaluation.regression import mae, r2

LABEL = np.array([0.0, 1.0, 1.0, 0.0])


class TestMeasure:
    def test_names_each_measure_and_each_model(self) -> None:
        found = measure({"mae": mae, "r2": r2}, LABEL, {"joint": LABEL, "pooled": 1 - LABEL})
        assert found == {
            "mae": {"joint": 0.0, "pooled": 1.0},
            "r2": {"joint": 1.0, "pooled": -3.0},
        }

    def test_ranks_scores_of_0_and_1_without_any_unit(self) -> None:
        found = measure(RANKING, LABEL, {"joint": 100 * LABEL - 7})
        assert found == {"auc": {"joint": 1.0}, "ks": {"joint": 1.0}}

    @pytest.mark.parametrize("label", [[], [1.0], [0.0, 0.0]], ids=["none", "one", "one class"])
    def test_finds_nothing_where_labels_do_not_differ(self, label: list[float]) -> None:
        predictions = {"joint": np.ones(len(label))}
        assert measure(RANKING | {"r2": r2}, np.array(label), predictions) == {}

    def test_counts_the_rows_whose_class_scores_highest(self) -> None:
        scores = np.array([[0.9, 0.2, 0.6, 0.8], [0.1, 0.8, 0.4, 0.2]])
        found = measure({"accuracy": accuracy}, LABEL, {"joint": scores})
        assert found == {"accuracy": {"joint": 0.75}}

    def test_refuses_predictions_that_are_no_numbers(self) -> None:
        with pytest.raises(SpecError, match="Some scores are not numbers: the training diverged"):
            measure(RANKING, LABEL, {"joint": LABEL, "pooled": LABEL * np.nan})
