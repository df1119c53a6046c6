"""The passive party's role: it helps to score rows with its part of the model."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from isthmus.crypto.identity import Identity
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import scoring
from isthmus.vertical.boosting.messages import Decisions, pack_bits
from isthmus.vertical.boosting.model import Part as TreePart
from isthmus.vertical.boosting.predict import Decider
from isthmus.vertical.checks import checked
from isthmus.vertical.prediction.decision import help_decide
from isthmus.vertical.prediction.messages import Positions, RequestedRows
from isthmus.vertical.prediction.requests import too_many
from isthmus.vertical.prediction.spec import MOST_ROWS, Online, Prediction
from isthmus.vertical.regression.families import against_last
from isthmus.vertical.regression.messages import PartialPredictor
from isthmus.vertical.regression.model import Part as LinearPart
from isthmus.vertical.regression.shares import Hearing, Shares, agree

Next = Callable[[], bool]
"""Waits for the next request; False if we are to stop instead."""


def passive(
    active: Channel,
    part: LinearPart | TreePart,
    rows: Table,
    spec: Prediction,
    identity: Identity | None = None,
) -> None:
    """Send our share of each row's score, as training did for its test rows.

    Of a regression, the active party learns our share of each row's linear predictor; of trees,
    whether each row would go left at each of our splits; with a `decision`, only whether a score
    is above the cut. We learn nothing but the number of rows.

    Args:
        active: The channel to the active party.
        part: Our part of the model.
        rows: Our columns of the rows to score, in the common order.
        spec: The `[prediction]` table.
        identity: Who we are to other passive parties, which sum shares of a regression with ours.
    """
    if isinstance(part, LinearPart) and spec.decision is not None:
        help_decide(active, part.predictor(rows.features))
    elif isinstance(part, LinearPart):
        hearing = Hearing(active)
        shares = Shares(hearing, spec.block_rows, agree(hearing, identity))
        shares.rows(PartialPredictor, against_last(part.predictor(rows.features)))
    else:
        scoring.send_decisions(active, part, rows, spec.block_rows)


def answer(  # noqa: PLR0913, PLR0917 - the caller knows all of these, and nobody else does
    active: Channel,
    part: LinearPart | TreePart,
    rows: Table,
    spec: Prediction,
    requests: Counter[int],
    wait: Next,
    identity: Identity | None = None,
) -> bool:
    """Answer requests with our share of the score of each row that they name.

    The active party learns the same of these rows as when all are scored at once. We learn which
    of the shared rows it asks about, and when.

    Args:
        active: The channel to the active party.
        part: Our part of the model.
        rows: Our columns of the shared rows, in the common order.
        spec: The `[prediction]` table.
        requests: Counts the requests of this run, by their number of rows.
        wait: Waits for the next request.
        identity: Who we are to other passive parties, which sum shares of a regression with ours.

    Returns:
        Whether the active party said that there are no more; False if we were to stop.

    Raises:
        PeerError: It asks for more than the job allows, or for rows that there are not.
    """
    assert spec.online is not None, "ask `online` first"  # noqa: S101 - a mistake of ours
    own, hearing = replace(rows, keys=None), Hearing(active)
    send = _sender(hearing, part, identity)
    while wait():
        request = hearing.receive(RequestedRows)
        with checked(active, RequestedRows):
            _check(request.rows, len(rows), spec.online, requests)
        requests[len(request.rows)] += 1
        if not len(request.rows):
            return True
        send(own.take(request.rows.astype(np.int64)))
    return False


def _check(wanted: Positions, shared: int, online: Online, requests: Mapping[int, int]) -> None:
    if wanted.ndim != 1:
        raise ValueError(f"positions of shape {wanted.shape}")
    fault = too_many(len(wanted), online, requests)
    if fault:
        raise ValueError(fault)
    beyond = int((wanted >= shared).sum())
    if beyond:
        raise ValueError(f"{beyond:,} of {len(wanted):,} positions are none of the {shared:,} rows")


def _sender(
    hearing: Hearing, part: LinearPart | TreePart, identity: Identity | None
) -> Callable[[Table], None]:
    if isinstance(part, LinearPart):
        shares = Shares(hearing, MOST_ROWS, agree(hearing, identity))
        return lambda rows: shares.rows(
            PartialPredictor, against_last(part.predictor(rows.features))
        )
    decide = Decider(part.columns, part.splits)
    return lambda rows: hearing.active.send(Decisions(first_row=0, left=pack_bits(decide(rows))))
