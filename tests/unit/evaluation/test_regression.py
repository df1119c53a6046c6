"""Measures of predictions against a number."""

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.evaluation.regression import d2, deviance, mae, r2, rmse

LABEL = np.array([1.0, 2.0, 3.0, 4.0])
PREDICTION = np.array([1.0, 2.0, 3.0, 8.0])


class TestMeasures:
    def test_rmse_is_in_units_of_the_label(self) -> None:
        assert rmse(LABEL, PREDICTION) == pytest.approx(2.0)

    def test_mae_counts_a_large_error_once(self) -> None:
        assert mae(LABEL, PREDICTION) == pytest.approx(1.0)

    def test_r2_is_one_for_the_label_and_zero_for_its_mean(self) -> None:
        assert r2(LABEL, LABEL) == 1.0
        assert r2(LABEL, np.full(4, LABEL.mean())) == 0.0

    def test_deviance_is_zero_for_the_label_and_counts_relative_errors(self) -> None:
        for power in (1.0, 1.5, 2.0):
            assert deviance(LABEL, LABEL, power) == pytest.approx(0)
        expected = 2 * np.mean(LABEL * np.log(LABEL / PREDICTION) - LABEL + PREDICTION)
        assert deviance(LABEL, PREDICTION, 1.0) == pytest.approx(expected)
        assert deviance(2 * LABEL, 2 * PREDICTION, 2.0) == pytest.approx(
            deviance(LABEL, PREDICTION, 2.0)
        )

    def test_d2_is_one_for_the_label_and_zero_for_its_mean(self) -> None:
        for power in (1.0, 1.5, 2.0):
            assert d2(LABEL, LABEL, power) == pytest.approx(1)
            assert d2(LABEL, np.full(4, LABEL.mean()), power) == pytest.approx(0)

    def test_d2_of_a_constant_label_is_refused(self) -> None:
        with pytest.raises(SpecError, match="nothing to explain"):
            d2(np.ones(4), PREDICTION, 1.0)


class TestAdvice:
    @pytest.mark.parametrize("measure", [rmse, mae, r2])
    def test_predictions_that_are_not_numbers(self, measure: type) -> None:
        with pytest.raises(SpecError, match="the training diverged"):
            measure(LABEL, np.full(4, np.inf))

    @pytest.mark.parametrize("measure", [rmse, mae, r2])
    def test_no_rows(self, measure: type) -> None:
        with pytest.raises(SpecError, match="There are no test rows"):
            measure(np.zeros(0), np.zeros(0))

    def test_a_label_that_never_changes(self) -> None:
        with pytest.raises(SpecError, match="nothing to explain"):
            r2(np.ones(4), PREDICTION)
