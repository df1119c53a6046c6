"""Forecast of the messages of scoring: all sizes follow from the job and the number of rows."""

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from isthmus.crypto.lattice.comparison_parameters import (
    BITS_BYTES,
    PRODUCTS_BYTES,
    PUBLIC_BYTES,
    SLOTS,
)
from isthmus.crypto.lattice.parameters import SEED_BYTES
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.transport.message import Message
from isthmus.vertical.boosting.messages import Decisions, pack_bits
from isthmus.vertical.prediction.messages import (
    ComparedNumbers,
    ComparisonProducts,
    ComparisonSeed,
    RequestedRows,
    ZeroRows,
)
from isthmus.vertical.prediction.spec import MOST_ROWS, Prediction
from isthmus.vertical.regression import shares_forecast
from isthmus.vertical.regression.messages import PartialPredictor


def forecast(spec: Prediction, passive: str, sizes: Sizes) -> list[Flow]:
    """Forecast the messages between the active party and a passive one.

    Args:
        spec: The `[prediction]` table.
        passive: Name of the passive party.
        sizes: Numbers of rows; those to score are its test rows, or its requests.

    Returns:
        The flows. Only the passive party sends, but where rows are scored online.
    """
    if spec.online is not None:
        return _online(spec, passive, sizes)
    if spec.decision is not None:
        return _decision(sizes.test)
    if not answers(spec, passive):
        return []
    if spec.system == "regression":
        return [*shares_forecast.keys(sizes), *_shares(spec, sizes.test, 1, sizes)]
    found = shares_forecast.starts(sizes.test, spec.block_rows)
    return [
        Flow("passive", _decisions(spec, passive, first, rows), count)
        for (rows, first), count in found.items()
    ]


def _shares(spec: Prediction, rows: int, times: int, sizes: Sizes) -> Iterator[Flow]:
    shape = (rows, spec.classes - 1) if spec.classes else (rows,)
    return shares_forecast.rows(PartialPredictor, shape, spec.block_rows, times, sizes)


def answers(spec: Prediction, passive: str) -> bool:
    """Returns whether a passive party has something to say about rows: no split, no decision."""
    return spec.system == "regression" or spec.splits.get(passive, 0) > 0


def most_requests(spec: Prediction) -> dict[int, int] | None:
    """Returns the requests of a run that take most bytes, by number of rows: single rows.

    None where rows are not scored online. The last request is for no rows.
    """
    return None if spec.online is None else {1: spec.online.rows, 0: 1}


def _decision(rows: int) -> list[Flow]:
    found = list[Flow]()
    for count, part in ((rows // SLOTS, SLOTS), (1, rows % SLOTS)):
        if count and part:
            zeros = pack_bits(np.zeros(part, np.bool_))
            numbers = ComparedNumbers(key=bytes(PUBLIC_BYTES), bits=bytes(BITS_BYTES))
            found += [
                Flow("active", ComparisonSeed(seed=bytes(SEED_BYTES)), count),
                Flow("passive", numbers, count),
                Flow("active", ComparisonProducts(products=bytes(PRODUCTS_BYTES)), count),
                Flow("passive", ZeroRows(rows=zeros), count),
            ]
    return found


def _online(spec: Prediction, passive: str, sizes: Sizes) -> list[Flow]:
    requests = sizes.requests
    if requests is None:
        requests = most_requests(spec) or {}
    found = list(shares_forecast.keys(sizes)) if spec.system == "regression" else []
    for rows, count in requests.items():
        if rows and not answers(spec, passive):
            continue  # it is told of the end alone
        found.append(Flow("active", RequestedRows(rows=np.zeros(rows, np.uint32)), count))
        if not rows:
            continue
        if spec.system == "regression":
            found += _shares(replace(spec, block_rows=MOST_ROWS), rows, count, sizes)
        else:
            found.append(Flow("passive", _decisions(spec, passive, 0, rows), count))
    return found


def _decisions(spec: Prediction, passive: str, first_row: int, rows: int) -> Message:
    decisions = np.zeros((rows, spec.splits[passive]), np.bool_)
    return Decisions(first_row=first_row, left=pack_bits(decisions))
