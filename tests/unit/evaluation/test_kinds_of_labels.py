"""What a validator gets for a label of several classes, and for one that is a number."""

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.evaluation.validating import validate_amounts, validate_classes

CLASSES = np.array([0.0, 1.0, 2.0, 2.0])
SCORES = np.array([[0.8, 0.3, 0.1, 0.5], [0.1, 0.6, 0.2, 0.3], [0.1, 0.1, 0.7, 0.2]])


class TestClasses:
    def test_have_accuracy_log_loss_and_confusion(self) -> None:
        found = validate_classes(CLASSES, SCORES)
        assert found is not None
        assert found.classes is not None
        assert (found.rows, found.classes.accuracy) == (4, 0.75)
        of_truth = -np.log([0.8, 0.6, 0.7, 0.2]).mean()
        assert found.classes.log_loss == pytest.approx(of_truth)
        assert found.classes.confusion == [[1, 0, 0], [0, 1, 0], [1, 0, 1]]

    def test_have_an_auc_of_each_class_against_all_others(self) -> None:
        found = validate_classes(CLASSES, SCORES)
        assert found is not None
        assert found.classes is not None
        assert found.classes.auc == [1.0, 1.0, 1.0]
        assert found.undefined == {}

    def test_that_no_row_has_is_undefined_with_a_word(self) -> None:
        found = validate_classes(np.array([0.0, 1.0, 1.0, 0.0]), SCORES)
        assert found is not None
        assert found.classes is not None
        assert found.classes.auc[2] is None
        assert found.undefined == {"auc of class 2": "no row has this class"}

    def test_that_all_rows_have_is_undefined_too(self) -> None:
        found = validate_classes(np.zeros(4), SCORES)
        assert found is not None
        assert found.classes is not None
        assert found.classes.auc == [None, None, None]
        assert found.undefined["auc of class 0"] == "all rows have this class"


class TestAmounts:
    def test_have_errors_in_their_units_and_the_share_that_is_explained(self) -> None:
        label = np.array([1.0, 2.0, 3.0, 6.0])
        found = validate_amounts(label, {"joint": label + 1, "active_only": np.full(4, 3.0)})
        assert found is not None
        joint, alone = found.amounts["joint"], found.amounts["active_only"]
        assert (joint.mae, joint.rmse) == (1.0, 1.0)
        assert joint.r2 == pytest.approx(1 - 4 / 14)
        assert alone.r2 == pytest.approx(0.0)

    def test_are_calibrated_in_tenths_of_the_rows(self) -> None:
        prediction = np.arange(100.0)
        found = validate_amounts(prediction * 2, {"model": prediction})
        assert found is not None
        groups = found.amounts["model"].calibration
        assert [group.rows for group in groups] == [10] * 10
        assert (groups[0].expected, groups[0].observed) == (4.5, 9.0)
        assert groups[-1].observed == 189.0

    def test_of_one_value_have_no_share_to_explain(self) -> None:
        found = validate_amounts(np.ones(3), {"model": np.arange(3.0)})
        assert found is not None
        assert found.amounts["model"].r2 is None
        assert found.undefined["r2"].startswith("The label is the same in all test rows")


def test_without_rows_there_is_nothing() -> None:
    assert validate_classes(np.empty(0), np.empty((3, 0))) is None
    assert validate_amounts(np.empty(0), {"model": np.empty(0)}) is None


def test_scores_that_are_no_numbers_are_an_error() -> None:
    with pytest.raises(SpecError, match="not numbers: the training diverged"):
        validate_classes(CLASSES, np.full((3, 4), np.nan))
    with pytest.raises(SpecError, match="not numbers: the training diverged"):
        validate_amounts(CLASSES, {"model": np.full(4, np.inf)})
