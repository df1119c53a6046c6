import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Floats
from isthmus.crypto.fixed_point import Bounds

rows = st.integers(1, 10**8)
LARGEST_SUM = 2**62 - 1


class TestBounds:
    @given(rows, st.integers(7, 14))
    def test_no_sum_reaches_two_to_the_62(self, rows: int, feature_bits: int) -> None:
        bounds = Bounds(rows, feature_bits, 1.0)
        largest = rows * (2**feature_bits - 1) * 2**bounds.residual_bits
        assert largest <= LARGEST_SUM
        assert 4 * rows * 2**feature_bits * 2**bounds.residual_bits > LARGEST_SUM  # none wasted

    @given(st.integers(1, 10**6))
    def test_leave_as_many_bits_less_as_a_scheme_has_less_room(self, rows: int) -> None:
        assert Bounds(rows, 14, 1.0, 47).residual_bits == Bounds(rows, 14, 1.0).residual_bits - 15

    @pytest.mark.parametrize("limit", [0.0, -1.0, 3.0, float("nan"), float("inf")])
    def test_a_limit_is_a_power_of_two(self, limit: float) -> None:
        with pytest.raises(ValueError, match="power of two"):
            Bounds(100, 14, limit)

    def test_refuses_more_rows_than_leave_bits_for_residuals(self) -> None:
        with pytest.raises(ValueError, match="no bits for residuals"):
            Bounds(2**50, 14, 1.0)


class TestEncoding:
    @given(st.lists(st.floats(-256, 256), min_size=1), rows)
    def test_is_exact_to_a_unit(self, residuals: list[float], rows: int) -> None:
        bounds = Bounds(rows, 14, 256.0)
        error = bounds.decode(bounds.integers(np.array(residuals))) - residuals
        assert np.abs(error).max() <= 256 / 2**bounds.residual_bits

    @given(st.floats(-1, 1), st.integers(0, 3))
    def test_of_rows_that_are_alike_has_the_right_mean(self, residual: float, kinds: int) -> None:
        bounds = Bounds(10**7, 14, 1.0, 47)  # leaves 9 bits
        rows = 2 ** (10 + kinds)
        of_one = bounds.integers(np.full((rows, 2), residual))[:: kinds + 1]
        found = bounds.decode(of_one).mean(axis=0)
        assert found == pytest.approx([residual] * 2, abs=2**-9 / 100)

    def test_of_whole_units_is_exact(self) -> None:
        bounds = Bounds(10**7, 14, 1.0, 47)
        residuals = np.arange(-512, 513) / 512
        assert bounds.decode(bounds.integers(residuals)).tolist() == residuals.tolist()

    @pytest.mark.parametrize("value", [1.0000001, -2.0, float("nan"), float("inf")])
    def test_refuses_residuals_beyond_the_limit(self, value: float) -> None:
        with pytest.raises(ValueError, match="within 1 of zero"):
            Bounds(100, 14, 1.0).integers(np.array([0.5, value]))

    def test_does_not_say_which_residual_it_was(self) -> None:
        with pytest.raises(ValueError, match="extreme labels") as error:
            Bounds(100, 14, 1.0).integers(np.array([0.5, 17.25]))
        assert "17" not in str(error.value)


def test_an_array_of_residuals_goes_through_unchanged_in_order() -> None:
    bounds, residuals = Bounds(4, 14, 1.0), np.array([0.5, -0.25, 1.0, -1.0])
    decoded: Floats = bounds.decode(bounds.integers(residuals))
    assert decoded.tolist() == residuals.tolist()
