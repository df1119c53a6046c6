"""Residuals in fixed point."""

import numpy as np
import pytest

from isthmus.core.errors import JobError
from isthmus.crypto import radix
from isthmus.crypto.lattice.parameters import SLOTS
from isthmus.vertical.regression.shared import rounding
from isthmus.vertical.regression.shared.expansion import Additive, Exponential
from isthmus.vertical.regression.shared.logistic import logistic
from isthmus.vertical.regression.shared.rounding import Scale

PRIME = SLOTS.plain


class TestScale:
    @pytest.mark.parametrize("rows", [1, 2, 24_000, 1 << 20, 10_000_000])
    @pytest.mark.parametrize("feature_bits", [7, 14])
    def test_lets_no_sum_leave_the_range_of_the_prime(self, rows: int, feature_bits: int) -> None:
        scale = rounding.scale(rows, feature_bits, logistic(0.5, (0.5,), 4), 1)
        most = rows * (1 << feature_bits) * (1 << scale.value_bits)
        assert most <= (PRIME - 1) // 2 < 2 * most

    def test_shares_bits_out_among_the_parties(self) -> None:
        assert rounding.scale(24_000, 14, logistic(0.5, (0.5,), 4), 1).passive_bits == (12,)
        three = rounding.scale(24_000, 14, logistic(0.5, (0.5, 0.5), 4), 2)
        assert three.passive_bits == (8, 8)
        added = rounding.scale(24_000, 14, Additive((1.0, 1.0)), 2)
        assert added.passive_bits == (12, 0)  # the second multiplies by 1

    def test_refuses_more_rows_than_it_has_bits_for(self) -> None:
        functions = logistic(0.5, (0.5,) * 4, 4)
        assert rounding.scale(24_000, 14, functions, 4).passive_bits == (5,) * 4
        with pytest.raises(JobError, match="1,000,000 rows of columns with 14 bits leave 20 bits"):
            rounding.scale(1_000_000, 14, functions, 5)
        with pytest.raises(JobError, match="a lower `regression"):
            rounding.scale(2_000_000, 14, functions, 4)


class TestAdditive:
    def test_share_is_in_fixed_point_modulo_the_prime(self) -> None:
        found = rounding.additive(np.array([0.5, -0.5, 2.0]), Scale(20, (10,), exponent=0))
        assert found.tolist() == [1 << 19, PRIME - (1 << 19), 1 << 21]

    @pytest.mark.parametrize("exponent", [-40, -3])
    def test_share_beyond_what_residuals_are_said_to_be_is_refused(self, exponent: int) -> None:
        scale = Scale(25, (12,), exponent)
        with pytest.raises(ValueError, match="residuals are said to be within"):
            rounding.additive(np.array([0.1, -1e5]), scale)


class TestActive:
    @pytest.mark.parametrize("passives", [1, 2, 3])
    def test_no_residual_overflows_whatever_the_others_functions_are(self, passives: int) -> None:
        generator = np.random.default_rng(1)
        spreads = (0.5,) * passives
        functions = logistic(0.5, spreads, 4)
        scale = rounding.scale(3000, 14, functions, passives)
        a, *shares = generator.normal(0, 2.5, (1 + passives, 3000))  # five times the spreads
        constant, factors = functions.of_active(a, (a > 0).astype(float))
        whole, last, scale = rounding.of_active(constant, factors, functions, scale, generator)
        made = rounding.of_first(functions.of_first(shares[0]), scale, generator)
        for at, share in enumerate(shares[1:], start=1):
            added, middle = rounding.of_middle(
                *functions.of_middle(share, at), at, scale, generator
            )
            made = (middle * made).sum(axis=1) + added
        largest = np.abs(whole + (last * made).sum(axis=0)).max()
        assert largest <= 1 << scale.value_bits

    def test_exponent_is_the_least_that_will_do(self) -> None:
        functions = Exponential((1.0,), (False,), (1.0,))
        scale = rounding.scale(1000, 14, functions, 1)
        for largest in (0.3, 1.0, 70.0):
            *_, found = rounding.of_active(
                np.zeros(1000),
                np.full((1, 1000), largest),
                functions,
                scale,
                np.random.default_rng(1),
            )
            assert largest <= 2.0**found.exponent <= 2.01 * largest


class TestRounding:
    def test_is_right_on_average_and_the_same_when_done_again(self) -> None:
        scale = rounding.Scale(8, (4,))
        values = np.full((1, 100_000), 0.3)  # 4.8 sixteenths
        once, again = (rounding.of_first(values, scale, np.random.default_rng(5)) for _ in range(2))
        assert (once == again).all()
        assert set(np.unique(once)) == {4, 5}
        assert once.mean() == pytest.approx(4.8, abs=0.01)


class TestSums:
    @pytest.mark.parametrize("rows", [10, 3000])
    def test_of_shares_are_those_of_residuals(self, rows: int) -> None:
        generator = np.random.default_rng(2)
        columns = radix.quantise(generator.normal(size=(rows, 3)), 14)
        bits = rounding.scale(rows, 14, Additive((1.0,)), 1).value_bits
        residuals = generator.integers(-(1 << bits), 1 << bits, rows)
        s = generator.integers(0, PRIME, rows)
        r = (s - residuals) % PRIME
        both = [rounding.product(columns, share) for share in (s, r)]
        exact = columns.integers().T @ residuals
        assert (rounding.sums(*both) == exact).all()

    def test_reach_the_ends_of_the_range(self) -> None:
        half = PRIME // 2
        assert rounding.sums([half, half + 1], [0, 0]).tolist() == [half, -half]
