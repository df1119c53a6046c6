"""The joint optimisation, of one party and of several, against scikit-learn."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    TweedieRegressor,
)

from isthmus.core.arrays import Floats
from isthmus.vertical.regression import clear, families
from isthmus.vertical.regression.block import penalty
from isthmus.vertical.regression.objective import Loss
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.spec import Family, LinearModel

ROWS, COLUMNS = 400, (3, 2, 2)
"""Columns of the first party, of the second and of the third."""


def standardised(x: Floats) -> Floats:
    scaled: Floats = (x - x.mean(axis=0)) / x.std(axis=0)
    return scaled


def drawn() -> tuple[Floats, Mapping[Family, Floats], Floats]:
    """Columns that hang together across parties, labels of every family, and weights."""
    generator = np.random.default_rng(1)
    common = generator.normal(size=(ROWS, 1))
    x = standardised(generator.normal(size=(ROWS, sum(COLUMNS))) + common)
    signal = x @ np.array([0.5, -0.4, 0.3, 0.0, 0.2, -0.3, 0.0]) - 0.5
    amount = generator.gamma(2.0, np.exp(signal) / 2)
    scores = np.column_stack([signal, x[:, 0] - x[:, 5], np.zeros(ROWS)])
    labels: dict[Family, Floats] = {
        "binomial": (generator.random(ROWS) < 1 / (1 + np.exp(-signal))).astype(float),
        "gaussian": standardised(signal + generator.normal(size=ROWS)),
        "multinomial": np.argmax(scores + generator.gumbel(size=(ROWS, 3)), axis=1).astype(float),
        "poisson": generator.poisson(np.exp(signal)).astype(float),
        "gamma": amount,
        "tweedie": np.where(generator.random(ROWS) < 0.5, 0.0, amount),
    }
    return x, labels, generator.random(ROWS) + 0.2


X, LABELS, WEIGHT = drawn()


def spec_of(family: Family, strength: float, l1_ratio: float) -> LinearModel:
    classes = 3 if family == "multinomial" else 0
    return LinearModel(family=family, penalty=strength, l1_ratio=l1_ratio, classes=classes)


def a_label(family: Family, offset: Floats | None = None) -> Label:
    none = np.zeros(ROWS) if offset is None else offset
    return Label(LABELS[family], WEIGHT / WEIGHT.mean(), none)


def fitted(
    spec: LinearModel, parties: int, label: Label | None = None, tolerance: float = 1e-9
) -> clear.Fitted:
    blocks = np.split(X, np.cumsum(COLUMNS)[:-1], axis=1)
    columns = [X] if parties == 1 else [*blocks[: parties - 1], np.hstack(blocks[parties - 1 :])]
    return clear.fit(columns, label or a_label(spec.family), spec, tolerance, 2_000)


def coefficients(found: clear.Fitted) -> Floats:
    """All coefficients; those of classes are known up to a number per column."""
    return np.concatenate([found.weights[0][:-1], *found.weights[1:]])


def by_scikit_learn(spec: LinearModel) -> Floats:
    label, weight = LABELS[spec.family], WEIGHT / WEIGHT.mean()
    total, l1_ratio = spec.penalty * ROWS, spec.l1_ratio
    common: dict[str, Any] = {"alpha": spec.penalty, "tol": 1e-12, "solver": "newton-cholesky"}
    match spec.family:
        case "gaussian" if l1_ratio > 0:
            model = ElasticNet(alpha=spec.penalty, l1_ratio=l1_ratio, tol=1e-14, max_iter=100_000)
        case "gaussian":
            model = Ridge(alpha=total)
        case "binomial" | "multinomial" if l1_ratio > 0:
            model = LogisticRegression(
                C=1 / total, l1_ratio=l1_ratio, solver="saga", tol=1e-10, max_iter=20_000
            )
        case "binomial" | "multinomial":
            model = LogisticRegression(C=1 / total, solver="newton-cholesky", tol=1e-12)
        case "poisson":
            model = PoissonRegressor(**common)
        case "gamma":
            model = GammaRegressor(**common)
        case "tweedie":
            model = TweedieRegressor(power=1.5, link="log", **common)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(X, label, sample_weight=weight)
    found: Floats = model.coef_[0] if spec.family == "binomial" else model.coef_.T
    return found


CASES: list[tuple[Family, float, float]] = [
    ("gaussian", 0.01, 0.0),
    ("gaussian", 0.05, 1.0),
    ("gaussian", 0.05, 0.5),
    ("binomial", 0.01, 0.0),
    ("binomial", 0.02, 1.0),
    ("binomial", 0.02, 0.5),
    ("multinomial", 0.01, 0.0),
    ("multinomial", 0.02, 1.0),
    ("poisson", 0.01, 0.0),
    ("gamma", 0.01, 0.0),
    ("tweedie", 0.01, 0.0),
]


class TestFit:
    @pytest.mark.parametrize("parties", [1, 2, 3])
    @pytest.mark.parametrize(("family", "strength", "l1_ratio"), CASES)
    def test_equals_scikit_learn(
        self, family: Family, strength: float, l1_ratio: float, parties: int
    ) -> None:
        spec = spec_of(family, strength, l1_ratio)
        found = fitted(spec, parties)
        assert found.converged
        assert coefficients(found) == pytest.approx(by_scikit_learn(spec), abs=1e-6)

    @pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
    def test_with_l1_is_where_no_coefficient_lowers_the_objective(self, family: Family) -> None:
        spec = spec_of(family, 0.2, 0.9)
        found = fitted(spec, 2)
        loss, weights = Loss(families.likelihood(spec), a_label(family)), coefficients(found)
        strengths = penalty(spec, len(weights), ())
        slope = X.T @ loss.residual(found.predictor) / ROWS + strengths.gradient(weights)
        zero = weights == 0
        assert zero.any()
        assert (np.abs(slope[zero]) <= strengths.l1[zero]).all()
        assert slope[~zero] == pytest.approx(-(strengths.l1 * np.sign(weights))[~zero], abs=1e-7)

    @pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
    def test_with_exposures_is_a_model_of_rates(self, family: Family) -> None:
        spec = spec_of(family, 0.01, 0.0)
        exposure = np.random.default_rng(2).random(ROWS) + 0.1
        found = fitted(spec, 2, a_label(family, np.log(exposure)))
        power = {"poisson": 1.0, "gamma": 2.0}.get(family, 1.5)
        weight = WEIGHT / WEIGHT.mean() * exposure ** (2 - power)
        alpha = spec.penalty * ROWS / weight.sum()
        theirs = TweedieRegressor(
            power=power, alpha=alpha, link="log", tol=1e-12, solver="newton-cholesky"
        ).fit(X, LABELS[family] / exposure, sample_weight=weight)
        assert coefficients(found) == pytest.approx(theirs.coef_, abs=1e-6)

    def test_with_an_offset_leaves_what_it_explains_to_it(self) -> None:
        spec = spec_of("binomial", 0.0, 0.0)
        free = fitted(spec, 2)
        offset = X @ coefficients(free) + free.weights[0][-1]
        assert coefficients(fitted(spec, 2, a_label("binomial", offset))) == pytest.approx(
            np.zeros(7), abs=1e-6
        )

    def test_takes_a_column_out_the_more_the_penalty_is_l1(self) -> None:
        zeros = [
            int((coefficients(fitted(spec_of("binomial", 0.05, ratio), 2)) == 0).sum())
            for ratio in (0.0, 0.5, 1.0)
        ]
        assert zeros[0] == 0
        assert zeros[0] < zeros[1] <= zeros[2]

    @pytest.mark.parametrize(("family", "strength", "l1_ratio"), CASES)
    def test_takes_few_rounds_though_no_party_knows_the_others_columns(
        self, family: Family, strength: float, l1_ratio: float
    ) -> None:
        found = fitted(spec_of(family, strength, l1_ratio), parties=3, tolerance=1e-5)
        assert len(found.norms) <= 24

    def test_of_the_same_column_at_both_parties_shares_its_coefficient(self) -> None:
        spec = spec_of("binomial", 0.01, 0.0)
        found = clear.fit([X[:, :1], X[:, :1]], a_label("binomial"), spec, 1e-9, 2_000)
        assert found.converged
        assert found.weights[0][0] == pytest.approx(found.weights[1][0], abs=1e-6)
