"""Coefficients and their standard errors, against statsmodels 0.15.

The columns are few and smooth, so that anybody can compute them again: GLM with `var_weights` of
mean 1, or with an offset; the intercept is the last number of each row.
"""

import msgspec
import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.data.table import Table
from isthmus.vertical.regression import clear, coefficients, families, model
from isthmus.vertical.regression.coefficients import standard_errors, two_sided
from isthmus.vertical.regression.objective import Loss
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.scaling import Label, Scaling
from isthmus.vertical.regression.spec import Family, LinearModel

ROWS = 60
NUMBER = np.arange(ROWS, dtype=np.float64)
NOISE = np.sin(12.9898 * NUMBER) * 43758.5453
NOISE -= np.floor(NOISE)


def columns() -> tuple[Floats, Floats]:
    """Standardised columns, and a signal in them."""
    first = np.sin(NUMBER)
    second = np.cos(1.7 * NUMBER) + 0.5 * first
    third = np.sin(0.3 * NUMBER + 1) + 0.3 * np.cos(1.7 * NUMBER)
    x = np.column_stack([first, second, third])
    scaled: Floats = (x - x.mean(axis=0)) / x.std(axis=0)
    return scaled, x @ np.array([0.8, -0.5, 0.3])


X, SIGNAL = columns()
ODDS = 1 / (1 + np.exp(-SIGNAL))
LABELS: dict[Family, Floats] = {
    "binomial": (ODDS > NOISE).astype(np.float64),
    "gaussian": SIGNAL + NOISE,
    "poisson": np.floor(np.exp(SIGNAL) * 3 * NOISE),
    "gamma": np.exp(SIGNAL) * (0.2 + NOISE),
    "tweedie": np.where(NOISE < 0.3, 0.0, np.exp(SIGNAL) * NOISE),
}
STATSMODELS: dict[Family, tuple[list[float], list[float]]] = {
    "binomial": (
        [0.4951064688, -0.6760035935, 0.3749672149, -0.1563030762],
        [0.3121741967, 0.3292804951, 0.285667193, 0.2719803146],
    ),
    "gaussian": (
        [0.5125669431, -0.3417560727, 0.1692274398, 0.553142417],
        [0.03964546442, 0.04237101701, 0.03796306863, 0.03639623347],
    ),
    "poisson": (
        [0.780859461, -0.430963151, 0.2495622587, 0.07758314181],
        [0.1355496541, 0.1320626894, 0.1181429357, 0.1359263685],
    ),
    "gamma": (
        [0.5058778037, -0.3239689706, 0.1533384216, -0.2892221155],
        [0.05334259222, 0.0570097971, 0.05107894482, 0.04897078314],
    ),
    "tweedie": (
        [0.486129419, -0.2727325705, 0.1441408903, -0.6707136312],
        [0.09706519073, 0.102020373, 0.09115463837, 0.08906713493],
    ),
}
each = pytest.mark.parametrize("family", list(STATSMODELS))


def a_label(family: Family) -> Label:
    weight = (1 + NOISE) / np.mean(1 + NOISE)
    return Label(LABELS[family], weight, np.zeros(ROWS))


def fitted(family: Family, label: Label) -> tuple[Loss, clear.Fitted]:
    spec = LinearModel(family=family, penalty=0.0)
    found = clear.fit([X[:, :1], X[:, 1:]], label, spec, 1e-10, 1_000)
    return Loss(families.likelihood(spec), label), found


def ours() -> Floats:
    return np.column_stack([X[:, :1], np.ones(ROWS)])


class TestStandardErrors:
    @each
    def test_of_all_columns_are_those_of_statsmodels(self, family: Family) -> None:
        loss, found = fitted(family, a_label(family))
        values, expected = STATSMODELS[family]
        weights = [found.weights[0][0], *found.weights[1], found.weights[0][1]]
        assert weights == pytest.approx(values, rel=1e-6, abs=1e-8)
        whole = np.column_stack([X, np.ones(ROWS)])
        errors = standard_errors(loss, found.predictor, whole, np.empty((ROWS, 0)), 0)
        assert errors is not None
        assert errors.kind == "joint"
        assert errors.values == pytest.approx(expected, rel=1e-6)

    @each
    def test_of_one_party_follow_from_combinations_of_the_other_columns(
        self, family: Family
    ) -> None:
        loss, found = fitted(family, a_label(family))
        seen = X[:, 1:] @ np.array([[1.0, 0.3, -2.0], [1.0, -1.0, 0.001]])
        errors = standard_errors(loss, found.predictor, ours(), seen, 2)
        assert errors is not None
        assert errors.kind == "joint"
        expected = STATSMODELS[family][1]
        assert errors.values == pytest.approx([expected[0], expected[3]], rel=1e-6)

    def test_are_bounds_where_too_few_combinations_were_seen(self) -> None:
        loss, found = fitted("binomial", a_label("binomial"))
        one, twice = X[:, 1:2], X[:, 1:2] @ np.array([[1.0, -2.0]])
        none, some, same = (
            standard_errors(loss, found.predictor, ours(), seen, 2)
            for seen in (np.empty((ROWS, 0)), one, twice)
        )
        assert none is not None
        assert some is not None
        assert same is not None
        assert {none.kind, some.kind, same.kind} == {"bound"}
        assert none.values[0] < some.values[0] < STATSMODELS["binomial"][1][0]
        assert same.values == pytest.approx(some.values)

    def test_count_an_exposure(self) -> None:
        label = Label(LABELS["poisson"], np.ones(ROWS), np.log(1 + NUMBER % 4))
        loss, found = fitted("poisson", label)
        assert found.weights[0] == pytest.approx([0.7527751339, -0.9653592778])
        errors = standard_errors(loss, found.predictor, ours(), X[:, 1:], 2)
        assert errors is not None
        assert errors.values == pytest.approx([0.1432630992, 0.144528606])

    def test_are_none_for_columns_that_the_other_party_has_too(self) -> None:
        loss, found = fitted("binomial", a_label("binomial"))
        errors = standard_errors(loss, found.predictor, ours(), X[:, :1], 1)
        assert errors is None

    def test_are_none_for_several_classes(self) -> None:
        spec = LinearModel(family="multinomial", classes=2)
        loss = Loss(families.likelihood(spec), a_label("binomial"))
        assert standard_errors(loss, np.zeros((ROWS, 2)), ours(), X[:, 1:], 2) is None


class TestRoom:
    def test_is_for_a_few_more_combinations_than_there_are_columns(self) -> None:
        assert coefficients.room(LinearModel(), rows=24_000, columns=10) == 15

    @pytest.mark.parametrize(
        ("spec", "rows"),
        [
            (LinearModel(), 10_000_000),
            (LinearModel(l1_ratio=0.1), 100),
            (LinearModel(family="multinomial", classes=3), 100),
        ],
    )
    def test_is_none_where_it_would_be_too_much_or_of_no_use(
        self, spec: LinearModel, rows: int
    ) -> None:
        assert coefficients.room(spec, rows, columns=10) == 0


class TestOfAll:
    def test_equals_statsmodels_for_rows_of_one_organisation(self) -> None:
        spec = LinearModel(family="gaussian", penalty=0.0)
        identifiers = [b"%d" % row for row in range(ROWS)]
        weight = 1 + NOISE
        table = Table(identifiers, X, ("a", "b", "c"), LABELS["gaussian"], weight)
        part = coefficients.of_all(train_pooled(table, spec), table, spec)
        values, errors = STATSMODELS["gaussian"]
        deviation = part.label_deviation
        assert part.coefficients * deviation == pytest.approx(values[:3], rel=1e-6)
        found = [(column.error or 0.0) * deviation for column in part.columns]
        assert found == pytest.approx(errors[:3], rel=1e-6)

    def test_is_without_errors_for_l1(self) -> None:
        spec = LinearModel(family="gaussian", l1_ratio=1.0)
        table = Table([b"%d" % row for row in range(ROWS)], X, tuple("abc"), LABELS["gaussian"])
        part = train_pooled(table, spec)
        assert coefficients.of_all(part, table, spec) == part


class TestDescribed:
    def part(self, family: Family) -> model.Part:
        scale = Scaling(np.zeros(1), np.array([4.0]))
        return model.part(family, ("age",), scale, np.array([0.8]))

    def test_tells_z_and_p_of_statsmodels(self) -> None:
        values, errors = STATSMODELS["binomial"]
        assert two_sided(values[1] / errors[1]) == pytest.approx(0.04007530585)

    def test_is_per_unit_of_the_column(self) -> None:
        errors = coefficients.Errors(np.array([0.4, 0.1]), "joint")
        found = coefficients.described(coefficients.with_errors(self.part("binomial"), errors))
        (age,) = found.coefficients
        assert (age.per_unit, age.error, age.z) == (0.2, 0.1, 2.0)
        assert age.p == pytest.approx(0.0455, abs=1e-4)
        assert (found.ratio, age.ratio) == ("odds ratio", np.exp(0.2))
        assert "of the model of all columns" in found.errors

    def test_says_where_errors_are_bounds(self) -> None:
        errors = coefficients.Errors(np.array([0.4, 0.1]), "bound")
        found = coefficients.described(coefficients.with_errors(self.part("poisson"), errors))
        assert "Standard errors are lower bounds" in found.errors
        assert found.ratio == "rate ratio"

    def test_has_a_line_for_each_class(self) -> None:
        scale = Scaling(np.zeros(1), np.ones(1))
        part = model.part("multinomial", ("age",), scale, np.array([[0.5, -0.5]]))
        found = coefficients.described(part)
        assert [it.name for it in found.coefficients] == ["age, class 0", "age, class 1"]
        assert [it.error for it in found.coefficients] == [None, None]

    def test_of_numbers_has_no_ratio(self) -> None:
        found = coefficients.described(self.part("gaussian"))
        assert (found.ratio, found.coefficients[0].ratio) == ("", None)

    def test_is_the_same_after_it_was_stored(self) -> None:
        errors = coefficients.Errors(np.array([0.4, 0.1]), "joint")
        part = coefficients.with_errors(self.part("binomial"), errors)
        assert msgspec.json.decode(msgspec.json.encode(part), type=model.Part) == part
