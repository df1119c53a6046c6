"""Columns of many rows: rounded and multiplied with hardly more memory than they take."""
# threadpoolctl has no types:
# pyright: reportMissingTypeStubs=false

import gc
import tracemalloc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.crypto import radix
from isthmus.crypto.fixed_point import Bounds
from isthmus.data.table import Table
from isthmus.vertical.regression import columns, families, scaling
from isthmus.vertical.regression.block import Block, penalty
from isthmus.vertical.regression.objective import Line, Loss
from isthmus.vertical.regression.scaling import Scaling
from isthmus.vertical.regression.spec import LinearModel

ROWS, COLUMNS, BITS = 70_003, 20, 14
BINOMIAL, MULTINOMIAL = LinearModel(), LinearModel(family="multinomial", classes=3)


@pytest.fixture(scope="module")
def features() -> Floats:
    """Bells and, in the second column, a flag, which needs one digit."""
    generator = np.random.default_rng(1)
    found = generator.normal(3.0, 2.0, size=(ROWS, COLUMNS))
    found[:, 1] = generator.integers(0, 2, ROWS)
    return found


@pytest.fixture(scope="module")
def scale(features: Floats) -> Scaling:
    return scaling.fit(table(features))


def table(features: Floats, classes: int = 2) -> Table:
    label = np.arange(len(features)) % classes
    names = tuple(map(str, range(features.shape[1])))
    return Table([b""] * len(features), features, names, label.astype(np.float64))


def copies(of: Floats, action: Callable[[], object]) -> float:
    """Most memory that an action takes beyond what there was, in copies of an array."""
    tracemalloc.start()
    action()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / of.nbytes


class TestStandardised:
    def test_columns_one_by_one_are_what_all_together_are(
        self, features: Floats, scale: Scaling
    ) -> None:
        each = columns.standardised(features, scale, BITS)
        together = columns.quantised(scale(features), BITS)
        for found, expected in zip(vars(each).values(), vars(together).values(), strict=True):
            assert np.array_equal(found, expected)

    def test_refuses_what_is_not_a_number(self) -> None:
        wild = np.array([[0.0], [np.nan]])
        with pytest.raises(SpecError, match="leave it out of `columns`"):
            columns.standardised(wild, Scaling(np.zeros(1), np.ones(1)), BITS)

    def test_takes_less_memory_than_a_copy_of_the_columns(
        self, features: Floats, scale: Scaling
    ) -> None:
        assert copies(features, lambda: columns.standardised(features, scale, BITS)) < 0.7


class TestScaling:
    @pytest.mark.parametrize("count", [1, 2, 3, 5, 20])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_has_the_deviations_of_all_columns_together_to_the_last_bit(
        self, features: Floats, count: int, order: str
    ) -> None:
        some = np.array(features[:, :count], order="F" if order == "F" else "C")
        assert np.array_equal(scaling.fit(table(some)).deviation, some.std(axis=0))

    def test_puts_a_column_of_ones_last(self, features: Floats, scale: Scaling) -> None:
        found = scale.with_ones(features)
        assert np.array_equal(found[:, :-1], scale(features))
        assert (found[:, -1] == 1).all()

    def test_takes_a_few_columns_of_memory(self, features: Floats) -> None:
        rows = table(features)
        assert copies(features, lambda: scaling.fit(rows)) < 0.3


class TestBlock:
    @pytest.mark.parametrize("outputs", [(), (3,)])
    @pytest.mark.parametrize("rows", [9, 16_384, 16_385, 32_767, ROWS])
    def test_of_quantised_columns_goes_where_that_of_their_values_goes_to_the_last_bit(
        self, features: Floats, scale: Scaling, outputs: tuple[int, ...], rows: int
    ) -> None:
        packed = columns.standardised(features, scale, BITS)[:rows]
        strengths = penalty(BINOMIAL, COLUMNS, outputs)
        gradient = np.random.default_rng(2).normal(size=(COLUMNS, *outputs))
        with threadpool_limits(1, user_api="blas"):  # as all roles do
            block = Block(packed, strengths, outputs, 0.25)
            other = Block(packed.values(), strengths, outputs, 0.25)
            assert block.propose(gradient) == other.propose(gradient)
            assert np.array_equal(block.turn(0.0), other.turn(0.0))

    def test_of_quantised_columns_multiplies_without_a_copy(
        self, features: Floats, scale: Scaling
    ) -> None:
        packed, vector = columns.standardised(features, scale, BITS), np.ones(COLUMNS)
        assert copies(features, lambda: packed @ vector) < 0.5
        assert copies(features, packed.narrow) < 0.5


class TestLoss:
    @pytest.mark.parametrize("spec", [BINOMIAL, MULTINOMIAL])
    def test_is_that_of_all_rows_at_once_to_the_last_bit(
        self, features: Floats, spec: LinearModel
    ) -> None:
        label = scaling.label(table(features, spec.classes or 2), spec)
        loss, family = Loss(families.likelihood(spec), label), families.likelihood(spec)
        predictor = np.random.default_rng(3).normal(size=(ROWS, *family.outputs))
        assert np.array_equal(loss.residual(predictor), family.residual(predictor, label.values))
        assert loss(predictor) == np.mean(family.losses(predictor, label.values))

    def test_is_searched_along_a_line_with_few_numbers_of_each_row(self, features: Floats) -> None:
        loss = Loss(families.likelihood(BINOMIAL), scaling.label(table(features), BINOMIAL))
        predictor = features[:, 0].copy()
        slope = np.where(loss.residual(predictor) < 0, 1.0, -1.0)
        assert copies(predictor, lambda: loss.step_length(predictor, slope, Line(), 1.0)) < 3

    def test_holds_on_to_nothing_of_a_line_that_was_searched(self, features: Floats) -> None:
        loss = Loss(families.likelihood(BINOMIAL), scaling.label(table(features), BINOMIAL))
        predictor = features[:, 0].copy()
        slope, held = features[:, 2] - loss.residual(predictor), weakref.ref(predictor)
        gc.disable()  # with many rows it comes after many rounds
        try:
            assert 0 < loss.step_length(predictor, slope - slope.mean(), Line()) < 100
            del predictor
            assert held() is None
        finally:
            gc.enable()


class TestResiduals:
    def test_are_the_same_integers_in_whatever_blocks(self) -> None:
        bounds = Bounds(ROWS, BITS, 1.0)
        residuals = np.full(ROWS, 2.0**-bounds.residual_bits / 2)  # that is half of a unit
        found = bounds.integers(residuals)
        assert set(found.tolist()) == {0, 1}
        assert abs(found.sum() - ROWS / 2) < 2
        assert copies(residuals, lambda: bounds.integers(residuals)) < 3


class TestQuantised:
    def test_holds_its_integers_in_16_bits(self, features: Floats, scale: Scaling) -> None:
        quantised = radix.quantise(scale(features[:500]), BITS)
        assert quantised.narrow().dtype == np.int16
        assert np.array_equal(quantised.narrow(), quantised.integers())
        assert quantised.shape == (500, COLUMNS)
