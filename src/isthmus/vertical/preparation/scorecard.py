"""Scores in points: what each bin of this party's columns adds, and what costs a row most points.

A model of weights of evidence is a sum over columns, so its score can be told in points:

    points = offset - factor * log-odds of label 1,   factor = double / log 2,
    offset = points said - factor * log(odds said),

where the odds are rows of label 0 for each row of label 1. A column adds
-factor * coefficient * (weight - mean) / deviation; the base, which the active party adds, is
offset - factor * intercept. Every party knows the points of its own bins, and they add up.

Source: Siddiqi 2006, "Credit risk scorecards", chapter 6.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from isthmus.core.arrays import Floats
from isthmus.evaluation.description import BinPoints
from isthmus.vertical.preparation.columns import Evidence, Prepared
from isthmus.vertical.preparation.evidence import bins_in_words
from isthmus.vertical.preparation.spec import Scorecard
from isthmus.vertical.regression.model import Column, Part


class Points(msgspec.Struct, frozen=True):
    """This party's part of a scorecard."""

    bins: list[BinPoints]
    base: float | None = None  # points of every row, at the active party


def points(part: Part, prepared: Prepared, spec: Scorecard) -> Points:
    """Make this party's part of the scorecard.

    Args:
        part: Its part of the model.
        prepared: How its columns were prepared.
        spec: The `[preparation.scorecard]` table.

    Returns:
        The points of each bin of its columns, and, at the active party, the base.
    """
    found = [
        BinPoints(column.name, name, rows, events, weight, added)
        for column, fitted in _columns(part, prepared)
        for name, rows, events, weight, added in zip(
            bins_in_words(column),
            column.rows,
            column.events,
            column.weights,
            _added(np.array(column.weights), fitted, spec).tolist(),
            strict=True,
        )
    ]
    return Points(found, _base(part.intercept, spec) if isinstance(part.intercept, float) else None)


def of_scores(scores: Floats, spec: Scorecard) -> Floats:
    """Returns the points of rows, given the probability of label 1, shape (rows,)."""
    likely = np.clip(scores, np.finfo(np.float64).tiny, 1 - np.finfo(np.float64).epsneg)
    return _base(0.0, spec) - _factor(spec) * np.log(likely / (1 - likely))


@dataclass(frozen=True)
class Reasons:
    """The columns that cost each row most points, of one party."""

    points: Floats
    """Points that the party's columns add to each row, shape (rows,)."""

    names: list[list[str]]
    """Names of the columns by rank, each of as many as rows; empty where nothing is lost."""

    lost: list[Floats]
    """What they cost, beside the best bin of the column, likewise."""


def reasons(part: Part, prepared: Prepared, features: Floats, spec: Scorecard) -> Reasons:
    """Find the columns of this party that cost each row most points.

    Args:
        part: Its part of the model.
        prepared: How its columns were prepared.
        features: Prepared columns of the rows, shape (rows, columns).
        spec: The `[preparation.scorecard]` table.

    Returns:
        The reasons.
    """
    columns = _columns(part, prepared)
    added = np.empty_like(features)
    best = np.empty(len(columns))
    for at, (column, fitted) in enumerate(columns):
        added[:, at] = _added(features[:, at], fitted, spec)
        best[at] = _added(np.array(column.weights), fitted, spec).max()
    lost = best - added
    order = np.argsort(-lost, axis=1, kind="stable")[:, : spec.reasons]
    named = np.array([*(column.name for column, _ in columns), ""], dtype=object)
    costs = np.take_along_axis(lost, order, axis=1)
    shown = np.where(costs > 0, order, len(columns))
    return Reasons(
        points=added.sum(axis=1),
        names=[named[shown[:, rank]].tolist() for rank in range(shown.shape[1])],
        lost=[costs[:, rank] for rank in range(costs.shape[1])],
    )


def _columns(part: Part, prepared: Prepared) -> Sequence[tuple[Evidence, Column]]:
    fitted = {column.name: column for column in part.columns}
    return [(each, fitted[each.name]) for each in prepared.columns if isinstance(each, Evidence)]


def _added(weights: Floats, fitted: Column, spec: Scorecard) -> Floats:
    standardised = (weights - fitted.mean) / fitted.deviation
    coefficient = np.array(fitted.coefficient, np.float64)  # one number, as labels are 0 and 1
    added: Floats = -_factor(spec) * coefficient * standardised
    return added


def _factor(spec: Scorecard) -> float:
    return spec.double / math.log(2)


def _base(intercept: float, spec: Scorecard) -> float:
    return spec.points - _factor(spec) * (math.log(spec.odds) + intercept)
