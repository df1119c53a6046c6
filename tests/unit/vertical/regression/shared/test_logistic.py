"""The logistic function of a sum, by functions of its parts."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit

from isthmus.core.arrays import Floats
from isthmus.vertical.regression.shared.logistic import Logistic, enough, logistic


def approximated(functions: Logistic, a: Floats, shares: list[Floats]) -> Floats:
    """What the parties compute together."""
    made = functions.of_first(shares[0])
    for position, share in enumerate(shares[1:], start=1):
        added, factors = functions.of_middle(share, position)
        made = added + np.einsum("jkn,kn->jn", factors, made)
    constant, factors = functions.of_active(a, np.zeros(len(a)))
    found: Floats = constant + (factors * made).sum(axis=0)
    return found


def shares(spreads: tuple[float, ...], rows: int = 5000) -> list[Floats]:
    generator = np.random.default_rng(3)
    return [generator.normal(0, spread, rows) for spread in spreads]


class TestLogistic:
    @pytest.mark.parametrize("spreads", [(1.0,), (0.7, 0.7), (0.6, 0.5, 0.5), (0.5,) * 4])
    @pytest.mark.parametrize("count", [4, 6, 8])
    def test_is_off_by_about_the_error_that_it_tells(
        self, spreads: tuple[float, ...], count: int
    ) -> None:
        functions = logistic(0.7, spreads, count)
        a, *b = shares((0.7, *spreads))
        off = approximated(functions, a, b) - expit(a + sum(b))
        assert 0.2 * functions.error < np.sqrt(np.mean(off**2)) < 1.2 * functions.error

    def test_error_falls_fast_with_the_number_of_functions(self) -> None:
        errors = [logistic(0.7, (1.0,), count).error for count in (2, 4, 6, 8, 12)]
        assert all(later < earlier / 3 for earlier, later in pairwise(errors))
        assert errors[-1] < 2e-5

    def test_a_wide_predictor_takes_more_functions(self) -> None:
        """The figures of the guide: default_credit, breast with little penalty."""
        assert enough(0.5, (1.0,), 0.005, 32) == 4
        assert enough(4.0, (4.0,), 0.005, 32) == 13

    def test_says_where_no_number_of_functions_is_enough(self) -> None:
        assert enough(40.0, (40.0,), 0.002, 32) is None
        assert enough(0.5, (1.0,), 0.005, 3) is None
        assert logistic(40.0, (40.0,), 32).error > 0.002

    def test_beats_a_polynomial_of_the_same_cost(self) -> None:
        a, b = shares((0.5, 1.0))
        cubic = np.polynomial.Polynomial.fit(
            np.linspace(-6, 6, 999), expit(np.linspace(-6, 6, 999)), 3
        )
        by_polynomial = np.sqrt(np.mean((cubic(a + b) - expit(a + b)) ** 2))
        off = approximated(logistic(0.5, (1.0,), 3), a, [b]) - expit(a + b)
        assert np.sqrt(np.mean(off**2)) < by_polynomial / 3

    def test_has_no_bias_at_any_share_of_the_active_party(self) -> None:
        functions, b = logistic(0.7, (1.0,), 4), np.linspace(-8, 8, 241)
        weights = functions.functions[0].coefficients(np.eye(241))[0]
        for a in (-3.0, -0.4, 0.0, 2.5):
            ends = np.array([a, a + 1e-9])
            constant, factors = functions.of_active(ends, np.zeros(2))
            found = constant[0] + factors[:, 0] @ functions.of_first(b)
            assert abs(weights @ (found - expit(a + b))) < 1e-6

    def test_functions_stay_within_their_bounds_and_bound_what_they_make(self) -> None:
        functions = logistic(0.7, (0.7, 0.9), 6)
        b, c = shares((3.0, 3.0))  # far beyond the spreads
        first = functions.of_first(b)
        assert np.abs(first).max() <= 1
        added, factors = functions.of_middle(c, 1)
        made = added + np.einsum("jkn,kn->jn", factors, first)
        left, largest = functions.growth(1)
        assert (np.abs(made).max(axis=1) <= 1.05 + left).all()
        assert (np.abs(factors).max(axis=2) <= largest * 1.05 + 0.05).all()

    def test_has_the_same_signs_on_every_machine(self) -> None:
        """Libraries differ in the sign of a singular vector: the last point decides, clearly."""
        for spread in (0.25, 1.0, 4.0):
            for each in logistic(0.7, (spread, 0.5), 8).functions:
                assert (each.values[:, -1] > 0.05 * each.largest).all()
