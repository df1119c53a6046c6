"""A party's part of a model, and the scaling that it is measured in."""

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.vertical.regression import model, scaling
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.spec import Regression


def people(label: list[float] | None = None) -> Table:
    ages = np.array([[20.0], [40.0], [60.0], [80.0]])
    values = None if label is None else np.array(label)
    return Table([b"a", b"b", b"c", b"d"], ages, ("age",), values)


class TestScaling:
    def test_standardises_by_the_rows_it_was_fitted_to(self) -> None:
        scaled = scaling.fit(people())(people().features)
        assert scaled.mean() == pytest.approx(0)
        assert scaled.std() == pytest.approx(1)

    def test_refuses_a_column_that_does_not_vary_on_these_rows(self) -> None:
        same = Table([b"a", b"b"], np.ones((2, 1)), ("age",))
        with pytest.raises(SpecError, match="'age' has one single value on the 2 aligned"):
            scaling.fit(same)


class TestLabel:
    def test_of_a_logistic_model_is_0_and_1_as_it_is(self) -> None:
        assert scaling.label(people([0, 1, 1, 0]), "binomial").values.tolist() == [0, 1, 1, 0]

    def test_of_a_linear_model_is_standardised(self) -> None:
        label = scaling.label(people([1, 2, 3, 4]), "gaussian")
        assert label.values.std() == pytest.approx(1)
        assert label.values * label.deviation + label.mean == pytest.approx([1, 2, 3, 4])

    @pytest.mark.parametrize(
        ("label", "said"),
        [
            (None, "has no label"),
            ([1, 1, 1, 1], "one single value"),
            ([0, 1, 2, 1], "other than 0 and 1"),
        ],
    )
    def test_that_does_not_fit_is_refused(self, label: list[float] | None, said: str) -> None:
        with pytest.raises(SpecError, match=said):
            scaling.label(people(label), "binomial")


class TestPart:
    def test_scores_columns_in_their_own_units(self) -> None:
        part = model.part("gaussian", ("age",), scaling.fit(people()), np.array([2.0]))
        part = model.labelled(part, 0.5, Label(np.zeros(4), mean=10.0, deviation=3.0))
        deviations = scaling.fit(people())(people().features)[:, 0]
        assert part.predict(people().features) == pytest.approx(
            (2.0 * deviations + 0.5) * 3.0 + 10.0
        )

    def test_adds_the_other_partys_share_before_the_link(self) -> None:
        part = model.part("binomial", ("age",), scaling.fit(people()), np.array([0.0]))
        part = model.labelled(part, 0.0, Label(np.zeros(4)))
        shares = np.array([0.0, 100.0, -100.0, 0.0])
        assert part.predict(people().features, shares) == pytest.approx([0.5, 1, 0, 0.5])


class TestTrainPooled:
    def test_recovers_a_line(self) -> None:
        fitted = train_pooled(
            people([3, 5, 7, 9]), Regression(family="gaussian", passive_columns=1, penalty=0)
        )
        assert fitted.predict(np.array([[100.0]])) == pytest.approx([11.0])
