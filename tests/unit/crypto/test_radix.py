import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from isthmus.core.arrays import Floats
from isthmus.crypto import keys, radix
from isthmus.crypto.radix import Quantised
from isthmus.crypto.scheme import PrivateKey

BOUND = 2**14


def standardised(matrix: Floats) -> Floats:
    """What scaling hands to quantisation."""
    deviation = matrix.std(axis=0)
    scaled: Floats = (matrix - matrix.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return scaled


def mixed(rows: int, seed: int = 0) -> Floats:
    """A flag, a count, an age, a constant, a heavy tail and a bell, standardised."""
    generator = np.random.default_rng(seed)
    columns = [
        generator.integers(0, 2, rows),
        generator.poisson(3, rows),
        generator.integers(18, 95, rows) * 12,
        np.full(rows, 7.0),
        generator.lognormal(0, 2, rows),
        generator.normal(size=rows),
    ]
    return standardised(np.column_stack(columns).astype(np.float64))


NASTY = st.one_of(
    st.sampled_from([0.0, 1.0, 3.0, 5.0, 127.0, 128.0, 16_383.0, 16_384.0]),  # grids and their ends
    st.sampled_from([1e15, 1e15 + 1, 1e-300, 1e100, -1e100, np.nextafter(1.0, 2.0)]),
    st.floats(-1e100, 1e100),
)
"""Cells that make grids of one level, of all levels, of outliers, and of rounding errors."""


def encrypted_products(key: PrivateKey, columns: Quantised, residuals: list[int]) -> list[int]:
    """The encrypted sums, opened."""
    return key.decrypt(radix.products(key.public.encrypt(residuals), columns))


def plain_products(columns: Quantised, residuals: list[int]) -> list[int]:
    """The same sums in plain integers of any size."""
    sums: list[int] = (np.array(residuals, object) @ columns.integers().astype(object)).tolist()
    return sums


class TestQuantise:
    @pytest.mark.parametrize(
        ("column", "digits"),
        [
            ([0, 1, 1, 0, 1], 1),
            ([0, 3, 7, 127, 5], 1),
            ([0, 1, 128], 2),
            ([18.5, 19.0, 20.5, 64.0], 1),
            ([0, 1, 16_383], 2),
        ],
    )
    def test_keeps_evenly_spaced_values_but_for_one_shift(
        self, column: list[float], digits: int
    ) -> None:
        x = standardised(np.array(column, np.float64)[:, None])
        quantised = radix.quantise(x)
        shift = quantised.values() - x
        assert quantised.codes.shape[1] == digits
        assert np.ptp(shift) < 1e-9
        assert np.abs(shift).max() <= quantised.steps[0] / 2 + 1e-9

    def test_rounds_other_columns_to_half_a_level_and_a_shift(self) -> None:
        x = np.random.default_rng(0).normal(size=(1000, 3))
        quantised = radix.quantise(x)
        assert (np.abs(quantised.values() - x) <= quantised.steps * (1 + 1e-9)).all()
        assert (quantised.steps < np.ptp(x, axis=0) / (BOUND - 2)).all()

    @pytest.mark.parametrize("bits", [1, 7, 8, 14])
    def test_integers_stay_within_the_declared_bits(self, bits: int) -> None:
        integers = radix.quantise(mixed(500), bits).integers()
        assert np.abs(integers).max() < 2**bits

    @given(st.lists(NASTY, min_size=2, max_size=40), st.integers(1, 14))
    def test_integers_stay_within_the_bits_and_near_the_column_whatever_it_holds(
        self, cells: list[float], bits: int
    ) -> None:
        column = np.array(cells)[:, None]
        assume(column.std() > 0)  # scaling refuses the rest
        x = standardised(column)
        quantised = radix.quantise(x, bits)
        assert np.abs(quantised.integers()).max() < 2**bits
        # Half a level by rounding, and half a unit, which is no more than a level, by the shift.
        assert np.abs(quantised.values() - x).max() <= np.ptp(x) / (2**bits - 1) * (1 + 1e-6)

    def test_uses_most_of_the_bits(self) -> None:
        assert (np.ptp(radix.quantise(mixed(500)).integers(), axis=0)[[0, 1, 2, 4, 5]] > 4000).all()

    def test_a_constant_column_is_nothing(self) -> None:
        assert radix.quantise(mixed(50)).values()[:, 3].tolist() == [0.0] * 50

    def test_slices_rows(self) -> None:
        quantised = radix.quantise(mixed(50))
        part = quantised[10:30]
        assert len(part) == 20
        assert part.values().tolist() == quantised.values()[10:30].tolist()

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_refuses_what_is_not_a_number(self, value: float) -> None:
        with pytest.raises(ValueError, match="not numbers"):
            radix.quantise(np.array([[0.0], [value]]))

    def test_refuses_a_column_far_from_zero(self) -> None:
        with pytest.raises(ValueError, match="column 1 lies far from zero"):
            radix.quantise(np.array([[0.0, 1e6], [1.0, 1e6 + 1]]))


class TestProducts:
    @pytest.mark.parametrize("rows", [1, 2, 77])
    def test_agree_with_plain_integers(self, key: PrivateKey, rows: int) -> None:
        columns = radix.quantise(mixed(77))[:rows]
        residuals = np.random.default_rng(rows).integers(-(2**47), 2**47, rows).tolist()
        assert encrypted_products(key, columns, residuals) == plain_products(columns, residuals)

    @settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_agree_with_plain_integers_for_any_small_matrix(
        self, key: PrivateKey, data: st.DataObject
    ) -> None:
        rows, count = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))
        cells = st.floats(-3, 3, width=16)
        row = st.lists(cells, min_size=count, max_size=count)
        x = np.array(data.draw(st.lists(row, min_size=rows, max_size=rows)), np.float64)
        columns = radix.quantise(x - x.mean(axis=0))
        most = st.integers(-(2**47), 2**47)
        residuals = data.draw(st.lists(most, min_size=rows, max_size=rows))
        assert encrypted_products(key, columns, residuals) == plain_products(columns, residuals)

    def test_blocks_add_up(self, key: PrivateKey) -> None:
        columns, residuals = radix.quantise(mixed(60)), list(range(-30, 30))
        first = radix.products(key.public.encrypt(residuals[:25]), columns[:25])
        second = radix.products(key.public.encrypt(residuals[25:]), columns[25:])
        assert key.decrypt(first + second) == plain_products(columns, residuals)

    def test_refuse_another_number_of_rows(self, key: PrivateKey) -> None:
        with pytest.raises(ValueError, match="2 residuals do not fit 3 rows"):
            radix.products(key.public.encrypt([1, 2]), radix.quantise(mixed(3)))

    def test_hold_at_the_size_that_jobs_use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(keys.TEST_KEY_BITS)
        key = keys.generate("okamoto-uchiyama", "auto", 3072)
        columns = radix.quantise(mixed(300))
        residuals = np.random.default_rng(0).integers(-(2**47), 2**47, 300).tolist()
        assert encrypted_products(key, columns, residuals) == plain_products(columns, residuals)
