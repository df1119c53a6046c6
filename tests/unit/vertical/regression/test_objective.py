"""Loss and line search, against finite differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Floats
from isthmus.vertical.regression.block import Penalty
from isthmus.vertical.regression.families import Binomial, Gaussian, Likelihood
from isthmus.vertical.regression.log_families import Poisson
from isthmus.vertical.regression.objective import LENGTHS, Line, Loss, ending
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.spec import Regression

FAMILIES: tuple[Likelihood, ...] = (Binomial(), Gaussian(), Poisson())
each = pytest.mark.parametrize("family", FAMILIES, ids=lambda it: type(it).__name__)


def a_label(values: Floats) -> Label:
    return Label(values, np.ones(len(values)), np.zeros(len(values)))


def rows(seed: int, count: int = 60, columns: int = 3) -> tuple[Floats, Label]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, columns))
    return x, a_label((generator.random(count) < 0.5).astype(float))


class TestLoss:
    def test_counts_a_row_of_weight_two_as_two_rows(self) -> None:
        _, label = rows(1, count=4)
        weighted = Loss(Binomial(), Label(label.values, np.array([2, 1, 1, 0]), label.offset))
        values = label.values[[0, 0, 1, 2]]
        repeated = Loss(Binomial(), a_label(values))
        predictor = np.array([0.5, -0.2, 0.1, 3.0])
        assert weighted(predictor) == pytest.approx(repeated(predictor[[0, 0, 1, 2]]))
        assert weighted.residual(predictor)[3] == 0
        assert weighted.residual(predictor)[0] == 2 * repeated.residual(predictor[[0, 0, 1, 2]])[0]

    def test_is_curved_by_a_power_of_two(self) -> None:
        _, label = rows(2)
        assert Loss(Binomial(), label).curvature(np.zeros(60)) == 0.25
        assert Loss(Gaussian(), label).curvature(np.zeros(60)) == 1
        assert Loss(Poisson(), label).curvature(np.full(60, np.log(0.1))) == 0.125

    def test_says_whether_columns_tell_the_classes_apart(self) -> None:
        _, label = rows(3)
        margin = np.where(label.values > 0, 0.1, -0.1)
        assert Loss(Binomial(), label).separated(margin)
        margin[0] *= -1
        assert not Loss(Binomial(), label).separated(margin)


class TestStepLength:
    def downhill(self, family: Likelihood, seed: int) -> tuple[Loss, Floats]:
        x, label = rows(seed)
        loss = Loss(family, label)
        return loss, -x @ (x.T @ loss.residual(np.zeros(60))) / 60

    @each
    @given(seed=st.integers(0, 2**32))
    def test_minimises_the_loss_along_the_line(self, family: Likelihood, seed: int) -> None:
        loss, slope = self.downhill(family, seed)
        length = loss.step_length(np.zeros(60), slope, Line(0.0, 0.1))

        def along(length: float) -> float:
            return loss(length * slope) + 0.05 * length**2

        assert along(length) <= min(along(length * 0.9), along(length * 1.1)) + 1e-12

    @given(seed=st.integers(0, 2**32))
    def test_minimises_it_with_an_l1_penalty_too(self, seed: int) -> None:
        loss, slope = self.downhill(Binomial(), seed)
        strengths = Penalty(np.full(3, 0.02), np.zeros(3))
        generator = np.random.default_rng(seed)
        weights, direction = generator.normal(size=3), generator.normal(size=3)
        length = loss.step_length(np.zeros(60), slope, strengths.along(weights, direction))

        def along(length: float) -> float:
            return loss(length * slope) + strengths(weights + length * direction)

        assert along(length) <= along(0.0) + 1e-12
        on_the_grid = min(along(it) for it in LENGTHS)
        assert along(length) <= on_the_grid + 1e-9

    @each
    def test_is_zero_where_the_line_leads_uphill(self, family: Likelihood) -> None:
        loss, slope = self.downhill(family, 5)
        assert loss.step_length(np.zeros(60), -slope, Line()) == 0.0

    @each
    def test_ends_where_the_loss_falls_for_ever(self, family: Likelihood) -> None:
        loss = Loss(family, a_label(np.array([0.0, 1.0])))
        length = loss.step_length(np.zeros(2), np.array([-1.0, 1.0]), Line())
        assert np.isfinite(length)
        assert length > 0

    def test_leads_to_no_residual_that_cannot_be_encrypted(self) -> None:
        loss = Loss(Poisson(), a_label(np.array([0.0, 0.0, 900.0])))
        slope = np.array([1.0, 0.0, 1.0])
        free = loss.step_length(np.zeros(3), slope, Line())
        assert np.abs(loss.residual(free * slope)).max() > 300
        length = loss.step_length(np.zeros(3), slope, Line(), limit=1024.0)
        assert length == free
        bound = loss.step_length(np.zeros(3), np.array([2.0, 0.0, 1.0]), Line(), limit=1000.0)
        assert bound > 0
        assert np.abs(loss.residual(bound * np.array([2.0, 0.0, 1.0]))).max() <= 1000


class TestEnding:
    SPEC = Regression(passive_columns=1)

    def test_says_that_it_converged(self) -> None:
        found = ending(self.SPEC, 9, converged=True, norm=1e-6)
        assert found == "converged after 9 rounds"

    def test_says_how_far_it_is_and_what_to_do(self) -> None:
        found = ending(self.SPEC, 50, converged=False, norm=0.00321)
        assert found == (
            "stopped after 50 rounds, not converged (steps of 0.003, and `tolerance` is 1e-05): "
            "raise `max_rounds` or `penalty`"
        )

    @pytest.mark.parametrize(("penalty", "advice"), [(0.0, "0.01"), (0.1, "1")])
    def test_says_which_penalty_separable_labels_take(self, penalty: float, advice: str) -> None:
        spec = Regression(passive_columns=1, penalty=penalty)
        found = ending(spec, 9, converged=True, norm=0.0, separated=True)
        assert found.startswith("converged after 9 rounds: the columns tell the classes of all")
        assert found.endswith(f"try `penalty = {advice}`")


class TestLine:
    def test_of_all_parties_is_the_sum_of_theirs(self) -> None:
        generator = np.random.default_rng(6)
        weights, direction = generator.normal(size=(2, 5))
        strengths = Penalty(np.full(5, 0.3), np.full(5, 0.2))
        whole = strengths.along(weights, direction)
        parts = [slice(2), slice(2, 5)]
        found = sum(
            (
                Penalty(strengths.l1[it], strengths.l2[it]).along(weights[it], direction[it])
                for it in parts
            ),
            Line(),
        )
        assert (found.slope, found.curvature) == pytest.approx((whole.slope, whole.curvature))
        assert found.absolute == pytest.approx(whole.absolute)

    @given(seed=st.integers(0, 2**32), length=st.floats(0, 200))
    def test_bounds_the_penalty_from_above(self, seed: int, length: float) -> None:
        weights, direction = np.random.default_rng(seed).normal(size=(2, 5))
        strengths = Penalty(np.full(5, 0.3), np.zeros(5))
        line = strengths.along(weights, direction)
        bound = strengths(weights)
        for begin, end, slope in line.pieces():
            bound += slope * (min(length, end) - begin) if length > begin else 0.0
        assert bound >= strengths(weights + length * direction) - 1e-9
