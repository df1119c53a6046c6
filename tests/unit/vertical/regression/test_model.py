"""A party's part of a model, and the scaling that it is measured in."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.vertical.regression import model, scaling
from isthmus.vertical.regression.families import Binomial
from isthmus.vertical.regression.objective import Loss
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.spec import Family, LinearModel, Regression

BINOMIAL, GAUSSIAN = LinearModel(), LinearModel(family="gaussian")
ZERO = np.zeros(4)


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
        assert scaling.label(people([0, 1, 1, 0]), BINOMIAL).values.tolist() == [0, 1, 1, 0]

    def test_of_a_linear_model_is_standardised(self) -> None:
        label = scaling.label(people([1, 2, 3, 4]), GAUSSIAN)
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
            scaling.label(people(label), BINOMIAL)

    def test_of_several_classes_needs_a_row_of_each(self) -> None:
        spec = LinearModel(family="multinomial", classes=4)
        with pytest.raises(SpecError, match="1 of 4 classes has no row to train on"):
            scaling.label(people([0, 1, 2, 2]), spec)

    def test_of_a_linear_model_is_what_its_offset_leaves(self) -> None:
        table = replace(people([1, 2, 3, 5]), offset=np.array([1.0, 1, 1, 2]))
        label = scaling.label(table, GAUSSIAN)
        assert label.values * label.deviation + label.mean == pytest.approx([0, 1, 2, 3])
        assert label.offset.tolist() == [0, 0, 0, 0]

    def test_has_no_offset_for_several_classes(self) -> None:
        table = replace(people([0, 1, 2, 2]), offset=np.ones(4))
        with pytest.raises(SpecError, match="a multinomial regression has a predictor for each"):
            scaling.label(table, LinearModel(family="multinomial", classes=3))

    def test_may_be_constant_where_exposures_differ(self) -> None:
        table = replace(people([1, 1, 1, 1]), offset=np.arange(4.0))
        assert scaling.label(table, LinearModel(family="poisson")).offset.tolist() == [0, 1, 2, 3]


class TestWeights:
    def test_are_one_on_average(self) -> None:
        table = replace(people([0, 1, 1, 0]), weight=np.array([2.0, 6, 0, 0]))
        assert scaling.label(table, BINOMIAL).weight.tolist() == [1, 3, 0, 0]

    def test_that_are_balanced_give_every_class_the_same_weight(self) -> None:
        table = replace(people([0, 0, 0, 1]), weight=np.array([1.0, 1, 2, 1]))
        found = scaling.label(table, LinearModel(class_weight="balanced")).weight
        assert found.tolist() == [0.5, 0.5, 1, 2]

    @pytest.mark.parametrize(
        ("weight", "said"),
        [([1, -1, -2, 1], "2 of 4 are below 0"), ([0, 0, 0, 0], "all are 0")],
    )
    def test_that_cannot_be_are_refused(self, weight: list[float], said: str) -> None:
        with pytest.raises(SpecError, match=said):
            scaling.label(replace(people([0, 1, 1, 0]), weight=np.array(weight)), BINOMIAL)

    @pytest.mark.parametrize("family", ["binomial", "poisson", "gaussian"])
    def test_of_zero_for_all_labels_but_one_leave_nothing_to_learn(self, family: Family) -> None:
        table = replace(people([0, 1, 1, 0]), weight=np.array([0.0, 1, 2, 0]))
        with pytest.raises(SpecError, match="one single value on the 2 training rows that count"):
            scaling.label(table, LinearModel(family=family))

    def test_that_hardly_count_leave_a_finite_start(self) -> None:
        table = replace(people([0, 1, 1, 0]), weight=np.array([1e-300, 1, 1, 1e-300]))
        constant = Loss(Binomial(), scaling.label(table, BINOMIAL)).constant()
        assert 30 < constant < 40

    def test_of_zero_for_a_whole_class_cannot_be_balanced(self) -> None:
        table = replace(people([0, 0, 1, 1]), weight=np.array([1.0, 1, 0, 0]))
        with pytest.raises(SpecError, match="all rows of a class have the weight 0"):
            scaling.label(table, LinearModel(class_weight="balanced"))


class TestOffsets:
    @pytest.mark.parametrize("family", ["binomial", "poisson", "gamma", "tweedie"])
    def test_that_are_no_logarithms_are_refused(self, family: Family) -> None:
        table = replace(people([1, 0, 1, 1]), offset=np.array([0.0, 365, 1, -51]))
        if family == "gamma":
            table = replace(table, label=np.array([1.0, 2, 3, 4]))
        with pytest.raises(SpecError, match="2 of 4 are beyond 50: if they are amounts"):
            scaling.label(table, LinearModel(family=family))

    def test_of_numbers_are_in_units_of_the_label(self) -> None:
        table = replace(people([1, 0, 1, 1]), offset=np.array([0.0, 365, 1, -51]))
        assert scaling.label(table, LinearModel(family="gaussian")).shifted


class TestPart:
    def test_scores_columns_in_their_own_units(self) -> None:
        part = model.part("gaussian", ("age",), scaling.fit(people()), np.array([2.0]))
        part = model.labelled(part, 0.5, Label(ZERO, ZERO, ZERO, mean=10.0, deviation=3.0))
        deviations = scaling.fit(people())(people().features)[:, 0]
        assert part.predict(people().features) == pytest.approx(
            (2.0 * deviations + 0.5) * 3.0 + 10.0
        )

    def test_adds_the_other_partys_share_before_the_link(self) -> None:
        part = model.part("binomial", ("age",), scaling.fit(people()), np.array([0.0]))
        part = model.labelled(part, 0.0, Label(ZERO, ZERO, ZERO))
        shares = np.array([0.0, 100.0, -100.0, 0.0])
        assert part.predict(people().features, shares) == pytest.approx([0.5, 1, 0, 0.5])

    def test_has_a_probability_for_each_class(self) -> None:
        part = model.part("multinomial", ("age",), scaling.fit(people()), np.array([[0.0, 1, 2]]))
        part = model.labelled(part, np.array([1.0, 0, 0]), Label(ZERO, ZERO, ZERO))
        found = part.predict(people().features)
        assert found.shape == (4, 3)
        assert found.sum(axis=1) == pytest.approx(np.ones(4))
        assert part.weights.tolist() == [[0, 1, 2], [1, 0, 0]]

    @pytest.mark.parametrize(("family", "moved"), [("poisson", 3.0), ("gaussian", 3 + np.log(3))])
    def test_adds_an_offset_to_the_predictor_but_of_numbers(
        self, family: Family, moved: float
    ) -> None:
        part = model.part(family, ("age",), scaling.fit(people()), np.array([0.0]))
        label = Label(ZERO, ZERO, ZERO, mean=2.0 if family == "gaussian" else 0.0)
        part = model.labelled(part, 1.0 if family == "gaussian" else 0.0, label)
        assert part.predict(people().features, offset=np.full(4, np.log(3))) == pytest.approx(
            np.full(4, moved)
        )

    @pytest.mark.parametrize("coefficient", [np.array([1.5]), np.array([[1.5, -1, -0.5]])])
    def test_is_the_same_after_it_was_stored(self, coefficient: Floats) -> None:
        part = model.part("multinomial", ("age",), scaling.fit(people()), coefficient)
        assert msgspec.json.decode(msgspec.json.encode(part), type=model.Part) == part

    def test_refuses_rows_without_the_exposure_that_training_had(self) -> None:
        trained = replace(people([1, 0, 2, 1]), offset=np.log([1.0, 2, 3, 4]))
        part = train_pooled(trained, LinearModel(family="poisson"))
        part.check_offset(trained)
        with pytest.raises(SpecError, match="an exposure of 1 everywhere gives rates"):
            part.check_offset(people())
        train_pooled(people([1, 0, 2, 1]), LinearModel(family="poisson")).check_offset(people())


class TestTrainPooled:
    def test_recovers_a_line(self) -> None:
        fitted = train_pooled(
            people([3, 5, 7, 9]), Regression(family="gaussian", passive_columns=1, penalty=0)
        )
        assert fitted.predict(np.array([[100.0]])) == pytest.approx([11.0])
