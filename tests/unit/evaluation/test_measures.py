"""What a result measures, under which names."""

import numpy as np
import pytest

from isthmus.core.attempts import Attempts
from isthmus.evaluation.classification import accuracy
from isthmus.evaluation.measures import RANKING, measure
from isthmus.evaluation.regression import mae, r2, rmse

LABEL = np.array([0.0, 1.0, 1.0, 0.0])


class TestMeasure:
    def test_names_each_measure_and_each_model(self) -> None:
        models = {"joint": LABEL, "pooled": 1 - LABEL}
        found = measure({"mae": mae, "r2": r2}, LABEL, models, Attempts())
        assert found == {
            "mae": {"joint": 0.0, "pooled": 1.0},
            "r2": {"joint": 1.0, "pooled": -3.0},
        }

    def test_ranks_scores_of_0_and_1_without_any_unit(self) -> None:
        found = measure(RANKING, LABEL, {"joint": 100 * LABEL - 7}, Attempts())
        assert found == {"auc": {"joint": 1.0}, "ks": {"joint": 1.0}}

    @pytest.mark.parametrize("label", [[1.0], [0.0, 0.0]], ids=["one row", "one class"])
    def test_names_what_is_undefined_where_labels_do_not_differ(self, label: list[float]) -> None:
        attempts, predictions = Attempts(), {"joint": np.ones(len(label))}
        measures = RANKING | {"r2": r2, "rmse": rmse}
        found = measure(measures, np.array(label), predictions, attempts)
        assert found["rmse"]["joint"] == pytest.approx(abs(1 - label[0]))
        assert [found[name]["joint"] for name in ("auc", "ks", "r2")] == [None] * 3
        assert attempts.missing.keys() == {"metrics.auc", "metrics.ks", "metrics.r2"}
        assert "rows hold one class only" in attempts.missing["metrics.auc"]

    def test_has_no_value_of_no_rows(self) -> None:
        found = measure(RANKING, np.empty(0), {"joint": np.empty(0)}, Attempts())
        assert found == {"auc": {"joint": None}, "ks": {"joint": None}}

    def test_counts_the_rows_whose_class_scores_highest(self) -> None:
        scores = np.array([[0.9, 0.2, 0.6, 0.8], [0.1, 0.8, 0.4, 0.2]])
        found = measure({"accuracy": accuracy}, LABEL, {"joint": scores}, Attempts())
        assert found == {"accuracy": {"joint": 0.75}}

    def test_says_which_model_predicts_no_numbers(self) -> None:
        attempts, models = Attempts(), {"joint": LABEL, "pooled": LABEL * np.nan}
        found = measure(RANKING, LABEL, models, attempts)
        assert found["auc"] == {"joint": 1.0, "pooled": None}
        assert "scores are not numbers: the training diverged" in attempts.missing["metrics.auc"]
