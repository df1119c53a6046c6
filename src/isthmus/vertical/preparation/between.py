"""Sums of products of the columns of two parties, so that the passive one can compare them.

The active party's columns are the values of an encrypted product (`vertical/regression/products`),
and the passive party gets the sums over rows of each of its columns times each of these; the active
one gets nothing. Both have as many columns as the job says: those that they lack are zero.
"""

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.core.errors import PeerError
from isthmus.crypto.encryption import Engine
from isthmus.crypto.radix import Quantised
from isthmus.transport.channel import Channel
from isthmus.vertical.preparation import selection
from isthmus.vertical.preparation.messages import OwnMoments
from isthmus.vertical.preparation.selection import Moments
from isthmus.vertical.preparation.spec import Selection
from isthmus.vertical.regression.products.column_side import ColumnSide
from isthmus.vertical.regression.products.kinds import bounds_of
from isthmus.vertical.regression.products.scheme import Bounds
from isthmus.vertical.regression.products.value_side import ValueSide


def give(
    line: Channel, ours: Integers, spec: Selection, most: int, block_rows: int, engine: Engine
) -> None:
    """Let a passive party compare its columns with ours.

    It learns the correlations of our columns with each other and with its own ones; we learn
    nothing.

    Args:
        line: The channel to it.
        ours: Our standardised columns in integers, shape (rows, columns).
        spec: The `[preparation.select]` table, with `active_columns`.
        most: Most columns of the passive party.
        block_rows: Rows of a block.
        engine: What we ask to compute our encryption with.
    """
    values = np.zeros((len(ours), spec.active_columns or 0), np.int64)
    values[:, : ours.shape[1]] = ours
    found = selection.moments(values)
    line.send(OwnMoments(sums=found.sums, products=found.products))
    bounds = _bounds(spec, len(ours))
    side = ValueSide(line, spec.encryption, bounds, most, block_rows=block_rows, engine=engine)
    side(values)


def take(
    line: Channel, ours: Quantised, spec: Selection, block_rows: int, engine: Engine
) -> tuple[Moments, Integers]:
    """Get what it takes to compare our columns with the active party's.

    Args:
        line: The channel to the active party.
        ours: Our standardised columns in integers, as many as the job lets us have.
        spec: The `[preparation.select]` table, with `active_columns`.
        block_rows: Rows of a block.
        engine: What we ask to compute our encryption with.

    Returns:
        Moments of the active party's columns, and the sums of products of ours and its,
        shape (our columns, its columns).

    Raises:
        PeerError: It broke the protocol.
    """
    most, rows = spec.active_columns or 0, len(ours)
    message = line.receive(OwnMoments)
    if message.sums.shape != (most,) or message.products.shape != (most, most):
        raise PeerError(
            f"{line.peer!r} sent moments of {message.sums.size} columns where the job says {most}. "
            "Compare `isthmus version` on both sides."
        )
    side = ColumnSide(
        line,
        ours,
        spec.encryption,
        _bounds(spec, rows),
        outputs=most,
        block_rows=block_rows,
        engine=engine,
    )
    sums = side()
    there = message.products.diagonal() > 0
    return Moments(rows, message.sums, message.products).of(there), sums[:, there]


def _bounds(spec: Selection, rows: int) -> Bounds:
    return bounds_of(spec.encryption, rows, selection.bits(rows), limit=1.0)
