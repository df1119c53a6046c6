"""Losses and their derivatives, against finite differences."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.vertical.boosting.spec import Boosting, Objective
from isthmus.vertical.boosting.trees import objective

SPECS = {
    kind: Boosting(objective=kind, classes=3 if kind == "multiclass" else 0)
    for kind in get_args(Objective)
}
each_objective = pytest.mark.parametrize("kind", SPECS)


def labels(kind: str, seed: int, rows: int = 20) -> Floats:
    chance = np.random.default_rng(seed)
    special: dict[str, Floats] = {
        "binary": np.resize([0.0, 1.0], rows),
        "multiclass": np.resize([0.0, 1.0, 2.0], rows),
        "poisson": chance.poisson(2.0, rows).astype(np.float64),
        "tweedie": chance.poisson(1.0, rows) * chance.gamma(2.0, size=rows),
    }
    return special.get(kind, chance.normal(size=rows))


def scores(spec: Boosting, seed: int, rows: int = 20) -> Floats:
    return np.random.default_rng(seed + 1).normal(size=(spec.outputs, rows))


@each_objective
class TestDerivatives:
    @given(seed=st.integers(0, 2**32))
    def test_begin_with_the_slope_of_the_loss(self, kind: Objective, seed: int) -> None:
        spec, label, score = SPECS[kind], labels(kind, seed), scores(SPECS[kind], seed)
        rows = len(label)

        def total(flat: Floats) -> float:
            moved = flat.reshape(score.shape)
            return rows * objective.loss(moved, label, np.ones(rows), spec)

        slope = optimize.approx_fprime(score.ravel(), total, 1e-7)
        g, _ = objective.derivatives(score, label, spec)
        assert g.ravel() == pytest.approx(slope, abs=1e-4, rel=1e-4)

    @given(seed=st.integers(0, 2**32))
    def test_end_with_how_the_slope_changes_or_a_bound_on_it(
        self, kind: Objective, seed: int
    ) -> None:
        spec, label, score = SPECS[kind], labels(kind, seed), scores(SPECS[kind], seed)
        step = np.zeros_like(score)
        step[0] = 1e-6
        ahead, _ = objective.derivatives(score + step, label, spec)
        behind, _ = objective.derivatives(score - step, label, spec)
        _, h = objective.derivatives(score, label, spec)
        factor = {"multiclass": 2.0, "poisson": np.exp(0.7)}.get(kind, 1.0)
        expected = np.ones_like(h) if kind == "absolute" else factor * (ahead - behind) / 2e-6
        assert h[0] == pytest.approx(expected[0], rel=1e-4, abs=1e-6)
        assert (h > 0).all()

    def test_vanish_on_average_at_the_base_score(self, kind: Objective) -> None:
        spec, label = SPECS[kind], labels(kind, seed=5, rows=21)
        weight = np.random.default_rng(6).random(21)
        base = objective.base_score(label, weight, spec)
        g, _ = objective.derivatives(np.repeat(base[:, None], 21, axis=1), label, spec)
        most = weight.max() if kind == "absolute" else 1e-12  # a median is one of the labels
        assert np.abs(g @ weight).max() <= most

    def test_make_a_newton_step_that_lowers_the_loss(self, kind: Objective) -> None:
        spec, label, score = SPECS[kind], labels(kind, seed=7), scores(SPECS[kind], 7)
        weight = np.ones(len(label))
        g, h = objective.derivatives(score, label, spec)
        moved = score - 0.3 * g / h
        before = objective.loss(score, label, weight, spec)
        assert objective.loss(moved, label, weight, spec) < before


@each_objective
class TestPrediction:
    def test_at_the_base_score_is_the_average_label(self, kind: Objective) -> None:
        spec, label = SPECS[kind], labels(kind, seed=8, rows=21)
        base = objective.base_score(label, np.ones(21), spec)
        shares = [float((label == each).mean()) for each in range(3)]
        expected = {"multiclass": shares, "absolute": [float(np.median(label))]}
        found = objective.prediction(base[:, None], spec)[:, 0]
        assert found == pytest.approx(expected.get(kind, [label.mean()]))

    def test_leaves_the_scores_as_they_are(self, kind: Objective) -> None:
        score = scores(SPECS[kind], 9)
        kept = score.copy()
        objective.prediction(score, SPECS[kind])
        assert (score == kept).all()


class TestLabels:
    @pytest.mark.parametrize(
        ("kind", "label", "sentence"),
        [
            ("binary", [0, 1, 2], "values other than 0 and 1"),
            ("multiclass", [1, 2, 3], "values other than 0, 1 and so on to 2"),
            ("multiclass", [0, 1, 1], "some of the 3 classes are on none of the 3"),
            ("poisson", [0, 1, -1], "values below 0"),
            ("tweedie", [0.5, -0.5, 1], "values below 0"),
            ("squared", [4, 4, 4], "one single value on the 3 training rows"),
        ],
    )
    def test_that_the_objective_has_no_loss_for_are_refused(
        self, kind: Objective, label: list[float], sentence: str
    ) -> None:
        with pytest.raises(SpecError, match=sentence):
            objective.check(np.array(label, float), np.ones(3), SPECS[kind])

    @pytest.mark.parametrize(("kind", "label"), [("binary", 7), ("multiclass", 7), ("poisson", -1)])
    def test_are_refused_on_rows_that_weigh_nothing_too(self, kind: Objective, label: int) -> None:
        weight = np.array([1.0, 1.0, 1.0, 0.0])
        with pytest.raises(SpecError, match="the label of the training rows has values"):
            objective.check(np.array([0.0, 1.0, 2.0, label]), weight, SPECS[kind])

    @pytest.mark.parametrize(
        ("kind", "label"), [("binary", [0, 1]), ("multiclass", [0, 1, 2]), ("poisson", [1, 0])]
    )
    def test_that_count_for_nothing_beside_others_are_refused(
        self, kind: Objective, label: list[float]
    ) -> None:
        weight = np.full(len(label), 1e-300)
        weight[-1] = 1e100
        with pytest.raises(SpecError, match="sample weights differ so much"):
            objective.check(np.array(label, float), weight, SPECS[kind])

    def test_of_test_rows_need_not_have_every_class(self) -> None:
        objective.check_values(np.array([1.0, 1.0]), SPECS["multiclass"], "test")

    @pytest.mark.parametrize("weight", [[1.0, -1.0], [0.0, 0.0], [1.0, np.nan]])
    def test_with_weights_that_weigh_nothing_are_refused(self, weight: list[float]) -> None:
        with pytest.raises(SpecError, match="sample weights"):
            objective.check(np.array([0.0, 1.0]), np.array(weight), SPECS["binary"])

    @each_objective
    def test_that_fit_are_taken(self, kind: Objective) -> None:
        objective.check(labels(kind, 1), np.ones(20), SPECS[kind])


class TestMedian:
    def test_has_half_of_the_weight_on_either_side(self) -> None:
        values = np.array([3.0, 1.0, 2.0])
        assert objective.median(values, np.ones(3)) == 2.0
        assert objective.median(values, np.array([5.0, 1.0, 1.0])) == 3.0
