"""Training in one place by scikit-learn and by the joint optimisation are the same."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.data.table import Table
from isthmus.vertical.regression import clear, scaling
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import LinearModel

ROWS = 300
RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(ROWS, 4)) * [1.0, 20.0, 0.1, 3.0]
SIGNAL = X @ [0.5, -0.02, 3.0, 0.1]
WEIGHT, OFFSET = RANDOM.random(ROWS) + 0.1, RANDOM.normal(size=ROWS)
LABELS = {
    "binomial": (RANDOM.random(ROWS) < 1 / (1 + np.exp(-SIGNAL))).astype(float),
    "gaussian": 40 + 9 * SIGNAL + RANDOM.normal(size=ROWS),
    "multinomial": np.digitize(SIGNAL + RANDOM.normal(size=ROWS), [-0.5, 0.5]).astype(float),
    "poisson": RANDOM.poisson(np.exp(SIGNAL)).astype(float),
    "gamma": RANDOM.gamma(2.0, 1000 * np.exp(SIGNAL)),
    "tweedie": RANDOM.poisson(1.0, ROWS) * RANDOM.gamma(2.0, 1000 * np.exp(SIGNAL)),
}
CASES: dict[str, dict[str, Any]] = {
    "binomial": {},
    "gaussian": {},
    "multinomial": {"classes": 3},
    "poisson": {},
    "gamma": {},
    "tweedie": {"tweedie_power": 1.3},
    "two classes": {"family": "multinomial", "classes": 2},
    "balanced": {"family": "binomial", "class_weight": "balanced"},
    "lasso": {"family": "gaussian", "l1_ratio": 1.0, "penalty": 0.1},
    "elastic net": {"family": "poisson", "l1_ratio": 0.5, "penalty": 0.1},
}


def rows(family: str, *, shifted: bool) -> Table:
    label: Floats = LABELS[family]
    names = ("age", "bmi", "plan", "cost")
    table = Table([b"%d" % row for row in range(ROWS)], X, names, label, WEIGHT)
    return replace(table, offset=OFFSET) if shifted else table


WITHOUT_OFFSET = [(case, "no offset") for case in CASES]
WITH_OFFSET = [(case, "offset") for case in CASES if "classes" not in CASES[case]]


@pytest.mark.parametrize(("case", "offset"), WITHOUT_OFFSET + WITH_OFFSET)
def test_equals_the_joint_optimisation(case: str, offset: str) -> None:
    keys: dict[str, Any] = {"family": case, "penalty": 0.01} | CASES[case]
    spec = LinearModel(**keys)
    train = rows(spec.family, shifted=offset == "offset")
    if case == "two classes":
        train = replace(train, label=np.minimum(LABELS["multinomial"], 1.0))
    pooled = train_pooled(train, spec)
    x = scaling.fit(train)(train.features)
    found = clear.fit([x], scaling.label(train, spec), spec, 1e-9, 5_000)
    assert found.converged
    assert pooled.coefficients == pytest.approx(found.weights[0][:-1], abs=1e-5)
    mean = pooled.predict(train.features, offset=train.offsets)
    if spec.family != "gaussian":  # it adds offsets to the label
        assert mean == pytest.approx(pooled.expected(found.predictor), rel=1e-4)
    assert np.isfinite(mean).all()
