"""Standard errors of coefficients, and the coefficients of a part of a model for its report.

The covariance of maximum-likelihood estimates is the inverse of the Fisher information X^T W X,
times the dispersion. For one party's own coefficients that is the inverse of what is left of its
own block once the other columns are projected out of its columns, in the metric W; and a projection
depends on the other columns only by the space that they span (Seber & Lee 2003, section 3.7).

At the level `encrypted` the active party gets one combination of the other columns per round. As
soon as these are as many as there are columns, they span the same space: its standard errors are
those of the joint model, and nothing more crosses for them. With fewer they are lower bounds, and
are said to be. The active party alone knows W, so passive parties have none of their own.

A penalty is left out of the information: a small one hardly moves standard errors, and a large one
leaves no estimates that they would be errors of. With L1, or several classes, there are none.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from scipy import linalg

from isthmus.core.arrays import Floats
from isthmus.data.table import Table
from isthmus.evaluation.description import Coefficient, Description
from isthmus.vertical.regression import families, scaling
from isthmus.vertical.regression.families import Binomial, Multinomial
from isthmus.vertical.regression.log_families import Poisson
from isthmus.vertical.regression.model import Column, Part
from isthmus.vertical.regression.objective import Loss
from isthmus.vertical.regression.spec import LinearModel

_EXACT = 1e-11
"""Share of a combination's length that is rounding, where the rest is known from others."""

_LOUD = 1e4
"""By how much a combination must exceed its rounding to be of use."""

_MOST_KEPT = 2**21
"""Numbers of other parties that are kept for standard errors."""

_SPARE = 5

_DEPENDENT = 1e-10
"""Share of the information that is rounding, where a column is a combination of others."""

_BLOCK = 65_536
"""Rows at a time."""


@dataclass(frozen=True)
class Errors:
    """Standard errors of one party's coefficients, shape (columns,)."""

    values: Floats
    kind: Literal["joint", "bound"]


def room(spec: LinearModel, rows: int, columns: int) -> int:
    """Returns how many combinations of other parties' columns to keep for standard errors.

    Args:
        spec: Family and penalty.
        rows: Training rows.
        columns: Columns of the other parties.

    Returns:
        A few more than columns, as some may say nothing new; 0 where that would be of no use, or
        too many to keep in every checkpoint.
    """
    if spec.l1_ratio > 0 or spec.family == "multinomial" or rows * columns > _MOST_KEPT:
        return 0
    return columns + _SPARE


def standard_errors(
    loss: Loss,
    predictor: Floats,
    x: Floats,
    others: Floats,
    columns: int,
    rounding: float = 0.0,
) -> Errors | None:
    """Compute standard errors of one party's coefficients in a model of all columns.

    Args:
        loss: The loss of the training rows.
        predictor: All parties' linear predictor of these rows, shape (rows,).
        x: This party's standardised columns, those of the intercept too, shape (rows, own).
        others: Combinations of the other parties' columns, shape (rows, combinations).
        columns: How many columns the other parties have.
        rounding: How far a number of `others` may be from what it stands for.

    Returns:
        The errors; None where there are none: several classes, or columns that hang together.
    """
    if isinstance(loss.likelihood, Multinomial):
        return None
    root = np.sqrt(loss.weight * loss.likelihood.curvature(predictor))
    basis = _basis(root[:, np.newaxis] * others, rounding)
    whole, left = _information(root, x, basis)
    length = np.sqrt(np.diag(whole))
    if (length == 0).any():
        return None
    scaled = left / np.multiply.outer(length, length)
    if linalg.eigvalsh(scaled)[0] < _DEPENDENT:
        return None
    dispersion = _dispersion(loss, predictor, x.shape[1] + columns)
    errors = np.sqrt(dispersion * np.diag(linalg.inv(scaled))) / length
    return Errors(errors, "joint" if basis.shape[1] >= columns else "bound")


def _information(root: Floats, x: Floats, basis: Floats) -> tuple[Floats, Floats]:
    # The information about the coefficients of `x` by themselves, and what is left of it if those
    # of the basis are unknown too; block by block, for the sake of memory.
    whole, shared = np.zeros((x.shape[1],) * 2), np.zeros((basis.shape[1], x.shape[1]))
    for first in range(0, len(x), _BLOCK):
        block = slice(first, first + _BLOCK)
        scaled = root[block, np.newaxis] * x[block]
        whole += scaled.T @ scaled
        shared += basis[block].T @ scaled
    return whole, whole - shared.T @ shared


def _basis(combinations: Floats, rounding: float) -> Floats:
    # Orthonormal columns that span the same space, shape (rows, dimensions): as far as it can be
    # told from rounding.
    noise = rounding * np.sqrt(len(combinations))
    lengths = np.linalg.norm(combinations, axis=0)
    clear = lengths > _LOUD * noise
    if not clear.any():
        return np.empty((len(combinations), 0))
    scaled = combinations[:, clear] / lengths[clear]
    basis, triangle, _ = linalg.qr(scaled, mode="economic", pivoting=True)
    least = max(_EXACT, 10 * noise / lengths[clear].min())
    return np.asarray(basis[:, np.abs(np.diag(triangle)) > least], np.float64)


def _dispersion(loss: Loss, predictor: Floats, parameters: int) -> float:
    # Pearson's estimate; of classes and counts it is 1.
    if isinstance(loss.likelihood, Binomial | Poisson):
        return 1.0
    weighted = loss.residual(predictor)
    curvature = loss.weight * loss.likelihood.curvature(predictor)
    counted = curvature > 0
    squares = float(np.sum(weighted[counted] ** 2 / curvature[counted]))
    return squares / max(len(predictor) - parameters, 1)


def of_all(part: Part, train: Table, spec: LinearModel) -> Part:
    """Returns a model of one organisation's own columns with the standard errors of all of them.

    Args:
        part: The whole model.
        train: The rows that it was trained on.
        spec: Family and penalty.

    Returns:
        The model; without errors where there are none.
    """
    if spec.l1_ratio > 0 or spec.family == "multinomial":
        return part
    label = scaling.label(train, spec)
    x = np.column_stack([scaling.fit(train)(train.features), np.ones(len(train))])
    loss = Loss(families.likelihood(spec), label)
    errors = standard_errors(
        loss, x @ part.weights + loss.offset, x, np.empty((len(train), 0)), columns=0
    )
    return with_errors(part, errors)


def with_errors(part: Part, errors: Errors | None) -> Part:
    """Returns a part with standard errors of its columns; those of the intercept are left out."""
    if errors is None:
        return part
    columns = [
        msgspec.structs.replace(column, error=float(error))
        for column, error in zip(part.columns, errors.values, strict=False)
    ]
    return msgspec.structs.replace(part, columns=columns, errors=errors.kind)


def described(part: Part) -> Description:
    """Describe a part: the coefficients of a party's columns, of several classes one by one."""
    intercept = part.intercept if isinstance(part.intercept, float) else None
    coefficients = [it for column in part.columns for it in _coefficients(part, column)]
    return Description(coefficients, intercept, errors=_SAID[part.errors], ratio=_ratio(part))


def _ratio(part: Part) -> str:
    match part.family:
        case "gaussian":
            return ""
        case "binomial" | "multinomial":
            return "odds ratio"
        case _:
            return "rate ratio"


_SAID = {
    "": "",
    "joint": "Standard errors are those of the model of all columns, as if there was no penalty.",
    "bound": "Standard errors are lower bounds, as if there was no penalty: fewer combinations of "
    "the other parties' columns are known here than they have columns.",
}


def _coefficients(part: Part, column: Column) -> Iterator[Coefficient]:
    several = not isinstance(column.coefficient, float)
    for number, value in enumerate(np.atleast_1d(column.coefficient).tolist()):
        name = f"{column.name}, class {number}" if several else column.name
        yield Coefficient(
            name,
            value,
            value / column.deviation,
            error=None if column.error is None else column.error / column.deviation,
            z=None if column.error is None else value / column.error,
            p=None if column.error is None else two_sided(value / column.error),
            ratio=_exp(value / column.deviation) if _ratio(part) else None,
        )


def two_sided(z: float) -> float:
    """Returns how likely a standard normal number is at least so far from zero."""
    return math.erfc(abs(z) / math.sqrt(2))


def _exp(value: float) -> float | None:
    return math.exp(value) if abs(value) < _HIGHEST else None


_HIGHEST = 300.0
