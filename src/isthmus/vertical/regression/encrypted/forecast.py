"""Forecast of the messages of a regression at the level `encrypted`."""

from collections.abc import Iterator

from isthmus.ledger.forecast import Flow, Sizes
from isthmus.vertical.regression import shares_forecast
from isthmus.vertical.regression.encrypted.messages import (
    Direction,
    LossScale,
    Progress,
    Shape,
    Start,
    Step,
)
from isthmus.vertical.regression.messages import PartialPredictor, PartialSlope
from isthmus.vertical.regression.products import forecast as products
from isthmus.vertical.regression.products.forecast import Products
from isthmus.vertical.regression.rows import batches
from isthmus.vertical.regression.spec import Regression

_LENGTHS = 18
"""Numbers of the L1 penalty along a line: one less than `objective.LENGTHS`."""


def forecast(spec: Regression, passive: str, sizes: Sizes) -> list[Flow]:
    """Forecast the messages of training and scoring, between the active party and a passive one.

    Args:
        spec: The `[regression]` table.
        passive: Name of the passive party.
        sizes: Numbers of rows and rounds.

    Returns:
        The flows of both roles.
    """
    train = _conjugate_gradients if spec.batches == 1 else _momentum
    columns = spec.columns_of(passive)
    return [
        Flow("passive", Shape(rows=sizes.train, columns=columns, rounds=0), 1),
        Flow("active", Start(rounds=0, run="0" * 32), 1),
        Flow("active", LossScale(curvature=-2, limit=0), 1),
        *shares_forecast.keys(sizes),
        *products.key_flow(spec.encryption, "active"),
        *train(spec, columns, sizes),
        *_rows(spec, PartialPredictor, sizes.test, 1, sizes),
    ]


def _conjugate_gradients(spec: Regression, columns: int, sizes: Sizes) -> Iterator[Flow]:
    steps = sizes.rounds - 1  # the last round only finds that training has converged
    penalties = 2 + (_LENGTHS if spec.l1_ratio > 0 else 0)
    yield from _products(spec, columns, sizes.train, sizes.rounds)
    yield shares_forecast.numbers(2, sizes.rounds, sizes)
    yield Flow("active", Direction(conjugacy=1.0, converged=False), sizes.rounds)
    slopes = steps + (spec.l1_ratio > 0)
    yield from _rows(spec, PartialSlope, sizes.train, slopes, sizes)
    yield shares_forecast.numbers(penalties, steps, sizes)
    yield Flow("active", Step(length=1.0), steps)


def _momentum(spec: Regression, columns: int, sizes: Sizes) -> Iterator[Flow]:
    found = (batch.stop - batch.start for batch in batches(sizes.train, spec.batches))
    for rows in filter(None, found):  # of fewer rows than batches, some are empty
        yield from _rows(spec, PartialPredictor, rows, sizes.rounds, sizes)
        yield from _products(spec, columns, rows, sizes.rounds)
    yield Flow("active", Progress(converged=False), sizes.rounds)


def _products(spec: Regression, columns: int, rows: int, times: int) -> Iterator[Flow]:
    of = Products("active", "passive", rows, columns, times, spec.contrasts or 1)
    return products.flows(spec.encryption, spec.block_rows, of)


def _rows(
    spec: Regression,
    kind: type[PartialPredictor] | type[PartialSlope],
    rows: int,
    times: int,
    sizes: Sizes,
) -> Iterator[Flow]:
    shape = (rows, spec.contrasts) if spec.contrasts else (rows,)
    return shares_forecast.rows(kind, shape, spec.block_rows, times, sizes)
