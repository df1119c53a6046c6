"""Measures of the tasks of a model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from isthmus.core.errors import SpecError
from isthmus.multitask.compare.measuring import calibration, logloss, measured, measured_rows
from isthmus.multitask.spec import Identifier, Multitask, Task

SPEC = Multitask(
    features={"ad": Identifier()},
    tasks={"ctr": Task(label="click"), "cvr": Task(label="conversion", given="ctr")},
)
NONE = np.nan
LABELS = np.array([[1, 1], [1, 0], [0, NONE], [0, 0], [1, NONE], [NONE, 1]])


class TestRows:
    def test_of_a_task_are_those_with_its_label(self) -> None:
        assert measured_rows(SPEC, LABELS, 0).tolist() == [True] * 5 + [False]

    def test_of_a_task_after_another_are_those_where_that_label_is_1(self) -> None:
        assert np.flatnonzero(measured_rows(SPEC, LABELS, 1)).tolist() == [0, 1]


class TestMeasured:
    def test_equals_scikit_learn(self) -> None:
        random = np.random.default_rng(1)
        labels = (random.random((200, 2)) < 0.4).astype(float)
        scores = random.random((200, 2))
        found = measured(SPEC, labels, {"model": scores})
        clicked = labels[:, 0] == 1
        pairs = {"ctr": (labels[:, 0], scores[:, 0])}
        pairs["cvr"] = (labels[clicked, 1], scores[clicked, 1])
        for task, (label, score) in pairs.items():
            assert found[f"auc_{task}"]["model"] == pytest.approx(roc_auc_score(label, score))
            assert found[f"logloss_{task}"]["model"] == pytest.approx(log_loss(label, score))
            ratio = score.sum() / label.sum()
            assert found[f"calibration_{task}"]["model"] == pytest.approx(ratio)

    def test_is_none_where_there_is_no_such_model(self) -> None:
        scores = np.tile([0.5, NONE], (6, 1))
        found = measured(SPEC, LABELS, {"model": scores, "boosted": None})
        assert found["auc_ctr"] == {"model": 0.5, "boosted": None}
        assert found["auc_cvr"] == {"model": None, "boosted": None}

    def test_leaves_out_a_task_whose_labels_are_all_the_same(self) -> None:
        labels = np.array([[1.0, 1.0], [0.0, NONE]])
        found = measured(SPEC, labels, {"model": np.full((2, 2), 0.5)})
        assert found.keys() == {"auc_ctr", "logloss_ctr", "calibration_ctr"}

    def test_is_nothing_without_rows(self) -> None:
        assert measured(SPEC, np.empty((0, 2)), {"model": np.empty((0, 2))}) == {}

    def test_refuses_scores_of_a_model_that_diverged(self) -> None:
        scores = np.full((6, 2), 0.5)
        scores[0, 0] = np.inf
        with pytest.raises(SpecError, match="training diverged"):
            measured(SPEC, LABELS, {"model": scores})


class TestMeasures:
    @given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1))
    def test_of_loss_are_finite_for_any_probability(self, rows: list[tuple[bool, float]]) -> None:
        label, score = np.array(rows, float).T
        assert 0 <= logloss(label, score) < 17

    def test_of_calibration_are_1_if_the_mean_probability_is_the_rate(self) -> None:
        assert calibration(np.array([1.0, 0, 0, 1]), np.full(4, 0.5)) == 1
