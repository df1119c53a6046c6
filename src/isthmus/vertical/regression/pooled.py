"""Training of the same model on pooled columns, for comparison: by scikit-learn where it has it.

It has no offsets, for counts and amounts no L1, and for classes L1 only by an algorithm that does
not reach our precision: there, `clear.fit` stands in, the joint optimisation with one block.
"""
# scikit-learn has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import Any

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.data.table import Table
from isthmus.vertical.regression import clear, model, scaling
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.spec import LinearModel

_TOLERANCE = 1e-8  # steps of an L1 model do not get much smaller: rounding
_MOST_ROUNDS = 2_000


def train_pooled(train: Table, spec: LinearModel) -> model.Part:
    """Fit a model of the table's label on its columns.

    Args:
        train: Training rows with a label.
        spec: Family and penalty.

    Returns:
        The whole model, as one part.

    Raises:
        SpecError: The label does not fit the family.
    """
    scale, label = scaling.fit(train), scaling.label(train, spec)
    x = scale(train.features)
    weights = _by_scikit_learn(x, label, spec)
    if weights is None:
        weights = clear.fit([x], label, spec, _TOLERANCE, _MOST_ROUNDS).weights[0]
    part = model.part(spec.family, train.names, scale, weights[:-1])
    return model.labelled(part, weights[-1], label)


def _by_scikit_learn(x: Floats, label: Label, spec: LinearModel) -> Floats | None:
    # Coefficients and, last, the intercept; None where scikit-learn has no such model.
    values, weight, strength = label.values, label.weight, spec.penalty
    match spec.family:
        case "gaussian":
            estimator = _gaussian(len(x), spec)
        case "binomial" | "multinomial":
            if spec.l1_ratio > 0 or label.offset.any() or spec.classes == 2:  # noqa: PLR2004 - it has one predictor for two
                return None
            estimator = _logistic(len(x), spec)
        case "poisson" | "gamma" | "tweedie":
            if spec.l1_ratio > 0:
                return None
            # A total in proportion to an exposure e is a rate, whose row weighs a power of e.
            exposure = np.exp(label.offset)
            power = {"poisson": 1.0, "gamma": 2.0}.get(spec.family, spec.tweedie_power)
            values, weight = values / exposure, weight * exposure ** (2 - power)
            # Its loss is a mean by weight.
            strength *= len(x) / float(weight.sum())
            estimator = _tweedie(power, strength)
    estimator.fit(x, values, sample_weight=weight)
    coefficients = np.atleast_2d(estimator.coef_).T
    found: Floats = np.vstack([coefficients, np.atleast_1d(estimator.intercept_)])
    return found if found.shape[1] > 1 else found[:, 0]


def _gaussian(rows: int, spec: LinearModel) -> Any:
    from sklearn.linear_model import ElasticNet, Ridge  # noqa: PLC0415 - it takes a second to load

    if spec.l1_ratio > 0 and spec.penalty > 0:
        return ElasticNet(alpha=spec.penalty, l1_ratio=spec.l1_ratio, tol=1e-12, max_iter=100_000)
    return Ridge(alpha=_strength(rows, spec))


def _logistic(rows: int, spec: LinearModel) -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - it takes a second to load

    return LogisticRegression(C=1 / _strength(rows, spec), tol=1e-10, max_iter=10_000)


def _tweedie(power: float, strength: float) -> Any:
    from sklearn.linear_model import TweedieRegressor  # noqa: PLC0415 - it takes a second to load

    return TweedieRegressor(
        power=power,
        alpha=strength,
        link="log",
        solver="newton-cholesky",
        tol=1e-10,
        max_iter=1_000,
    )


def _strength(rows: int, spec: LinearModel) -> float:
    return max(spec.penalty * rows, 1e-12)  # scikit-learn's loss is a sum, ours a mean
