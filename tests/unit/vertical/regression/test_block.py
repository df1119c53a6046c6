"""A party's own columns in the joint optimisation, against closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Lasso

from isthmus.core.arrays import Floats
from isthmus.core.errors import JobError
from isthmus.vertical.regression.block import Block, penalty
from isthmus.vertical.regression.families import Binomial
from isthmus.vertical.regression.spec import LinearModel

ROWS = 60


def block(
    spec: LinearModel, columns: int = 3, curvature: float = 1.0, seed: int = 1
) -> Block[Floats]:
    x = np.random.default_rng(seed).normal(size=(ROWS, columns))
    return Block(x, penalty(spec, columns, ()), (), curvature)


class TestGradient:
    def test_of_a_party_needs_only_its_own_columns(self) -> None:
        generator = np.random.default_rng(1)
        x, residual = generator.normal(size=(ROWS, 4)), generator.normal(size=ROWS)
        none = penalty(LinearModel(penalty=0), 2, ())
        parts = [Block(x[:, it], none, (), 1.0) for it in (slice(2), slice(2, 4))]
        found = np.concatenate([it.gradient(residual) for it in parts])
        assert found == pytest.approx(x.T @ residual / ROWS)


class TestRunsAway:
    @pytest.mark.parametrize("curvature", [2.0**-64, 2.0**64])
    @pytest.mark.parametrize("conjugacy", [1e100, -1e100])
    def test_where_directions_grow_beyond_all_sense(
        self, curvature: float, conjugacy: float
    ) -> None:
        party = block(LinearModel(), curvature=curvature)

        def play() -> None:
            for _ in range(4):
                party.propose(np.full(3, 1e38))
                party.turn(conjugacy)
                party.along()
                party.move(2.0**20)

        with pytest.raises(JobError, match="the training runs away"):
            play()


class TestPropose:
    def test_solves_a_linear_model_of_one_party_in_one_step(self) -> None:
        party = block(LinearModel(family="gaussian", penalty=0.1))
        label = np.random.default_rng(2).normal(size=ROWS)
        party.propose(party.gradient(-label))
        party.settle()
        gram = party.x.T @ party.x / ROWS + 0.1 * np.eye(3)
        assert party.weights == pytest.approx(np.linalg.solve(gram, party.x.T @ label / ROWS))

    @given(seed=st.integers(0, 2**32))
    def test_solves_a_lasso_of_one_party_in_one_step(self, seed: int) -> None:
        party = block(LinearModel(penalty=0.1, l1_ratio=1), columns=6, seed=seed)
        label = np.random.default_rng(seed + 1).normal(size=ROWS)
        party.propose(party.gradient(-label))
        party.settle()
        theirs = Lasso(alpha=0.1, fit_intercept=False, tol=1e-12).fit(party.x, label)
        assert party.weights == pytest.approx(theirs.coef_, abs=1e-6)
        assert ((party.weights == 0) == (theirs.coef_ == 0)).all()

    def test_is_zero_at_the_minimum(self) -> None:
        party = block(LinearModel(penalty=1e-3, l1_ratio=0.5))
        label = np.random.default_rng(3).normal(size=ROWS)
        party.propose(party.gradient(-label))
        party.settle()
        square, _ = party.propose(party.gradient(party.x @ party.weights - label))
        assert square == pytest.approx(0, abs=1e-15)

    def test_never_overshoots_where_the_curvature_is_a_bound(self) -> None:
        party = block(LinearModel(penalty=0.01), curvature=0.25)
        label = (np.random.default_rng(4).random(ROWS) < 0.5).astype(float)
        losses = list[float]()
        for _ in range(20):
            predictor = party.x @ party.weights
            squares = float(party.weights @ party.weights)
            losses.append(float(np.mean(Binomial().losses(predictor, label))) + 0.005 * squares)
            party.propose(party.gradient(Binomial().residual(predictor, label)))
            party.settle()
        assert all(later <= earlier + 1e-12 for earlier, later in pairwise(losses))

    @pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
    def test_copes_with_a_column_that_repeats_another(self, l1_ratio: float) -> None:
        x = np.random.default_rng(5).normal(size=(ROWS, 1))
        spec = LinearModel(penalty=0.01 * l1_ratio, l1_ratio=l1_ratio)
        party = Block(np.column_stack([x, x]), penalty(spec, 2, ()), (), 1.0)
        party.propose(np.ones(2))
        party.settle()
        assert np.isfinite(party.weights).all()
        assert party.weights.sum() == pytest.approx(-(1 - spec.penalty) / np.mean(x**2), rel=1e-4)


class TestState:
    def test_restored_goes_on_with_the_same_bits(self) -> None:
        spec = LinearModel(penalty=0.02, l1_ratio=0.5)
        gradients = np.random.default_rng(6).normal(size=(4, 3))
        whole, first, second = (block(spec) for _ in range(3))

        def play(
            party: Block[Floats], gradient: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
        ) -> None:
            party.propose(gradient)
            party.turn(0.3)
            party.move(0.7)

        for gradient in gradients:
            play(whole, gradient)
        for gradient in gradients[:2]:
            play(first, gradient)
        second.restore(first.state)
        for gradient in gradients[2:]:
            play(second, gradient)
        assert all((second.state[name] == array).all() for name, array in whole.state.items())


class TestPenalty:
    def test_leaves_the_intercept_free(self) -> None:
        found = penalty(LinearModel(penalty=0.4, l1_ratio=0.25), 3, (), free=1)
        assert found.l1 == pytest.approx([0.1, 0.1, 0.0])
        assert found.l2 == pytest.approx([0.3, 0.3, 0.0])
