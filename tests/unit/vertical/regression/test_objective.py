"""The mathematics of regression, against closed forms and finite differences."""

from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from isthmus.core.arrays import Floats
from isthmus.vertical.regression import objective
from isthmus.vertical.regression.objective import Line, Preconditioner

Family = Literal["binomial", "gaussian"]
FAMILIES: tuple[Family, ...] = ("binomial", "gaussian")


def rows(seed: int, count: int = 60, columns: int = 3) -> tuple[Floats, Floats]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, columns))
    return x, (generator.random(count) < 0.5).astype(float)


@pytest.mark.parametrize("family", FAMILIES)
class TestGradient:
    @given(seed=st.integers(0, 2**32))
    def test_is_the_slope_of_the_penalised_loss(self, family: Family, seed: int) -> None:
        x, label = rows(seed)
        weights, penalty = np.array([0.3, -0.2, 0.1]), np.array([0.5, 0.5, 0.0])

        def penalised(weights: Floats) -> float:
            return (
                objective.loss(family, x @ weights, label) + float(penalty * weights @ weights) / 2
            )

        residual = objective.residual(family, x @ weights, label)
        expected = optimize.approx_fprime(weights, penalised, 1e-7)
        assert objective.gradient(x, residual, weights, penalty) == pytest.approx(
            expected, abs=1e-5
        )

    def test_of_a_party_needs_only_its_own_columns(self, family: Family) -> None:
        x, label = rows(1, columns=4)
        residual = objective.residual(family, x @ np.ones(4), label)
        whole = objective.gradient(x, residual, np.ones(4), np.zeros(4))
        ours = objective.gradient(x[:, :2], residual, np.ones(2), np.zeros(2))
        theirs = objective.gradient(x[:, 2:], residual, np.ones(2), np.zeros(2))
        assert np.concatenate([ours, theirs]) == pytest.approx(whole)


class TestPreconditioner:
    def test_solves_a_linear_model_of_one_party_in_one_step(self) -> None:
        x, label = rows(2)
        penalty = np.full(3, 0.1)
        gradient = objective.gradient(x, -label, np.zeros(3), penalty)
        solution = -Preconditioner(x, penalty, "gaussian")(gradient)
        ridge = np.linalg.solve(x.T @ x / len(x) + 0.1 * np.eye(3), x.T @ label / len(x))
        assert solution == pytest.approx(ridge, rel=1e-6)

    def test_bounds_the_hessian_so_that_a_full_step_never_overshoots(self) -> None:
        x, label = rows(3)
        penalty = np.full(3, 0.01)
        precondition = Preconditioner(x, penalty, "binomial")
        weights, losses = np.zeros(3), list[float]()
        for _ in range(20):
            residual = objective.residual("binomial", x @ weights, label)
            losses.append(
                objective.loss("binomial", x @ weights, label) + 0.005 * float(weights @ weights)
            )
            weights = weights - precondition(objective.gradient(x, residual, weights, penalty))
        assert all(later <= earlier + 1e-12 for earlier, later in pairwise(losses))

    def test_copes_with_a_column_that_repeats_another(self) -> None:
        x, _ = rows(4, columns=1)
        twice = np.column_stack([x, x])
        step = Preconditioner(twice, np.zeros(2), "binomial")(np.ones(2))
        assert np.isfinite(step).all()


@pytest.mark.parametrize("family", FAMILIES)
class TestStepLength:
    @given(seed=st.integers(0, 2**32))
    def test_minimises_the_loss_along_the_line(self, family: Family, seed: int) -> None:
        x, label = rows(seed)
        slope = -x @ objective.gradient(
            x, objective.residual(family, np.zeros(len(x)), label), np.zeros(3), np.zeros(3)
        )
        length = objective.step_length(family, np.zeros(len(x)), slope, label, Line(0.0, 0.1))

        def along(length: float) -> float:
            return objective.loss(family, length * slope, label) + 0.05 * length**2

        assert along(length) <= min(along(length * 0.9), along(length * 1.1)) + 1e-12

    def test_is_zero_where_the_line_leads_uphill(self, family: Family) -> None:
        x, label = rows(5)
        uphill = x @ objective.gradient(
            x, objective.residual(family, np.zeros(len(x)), label), np.zeros(3), np.zeros(3)
        )
        start = np.zeros(len(x))
        assert objective.step_length(family, start, uphill, label, Line(0.0, 0.0)) == 0.0

    def test_ends_where_the_loss_falls_for_ever(self, family: Family) -> None:
        label = np.array([0.0, 1.0])
        slope = np.array([-1.0, 1.0])
        length = objective.step_length(family, np.zeros(2), slope, label, Line(0.0, 0.0))
        assert np.isfinite(length)
        assert length > 0
