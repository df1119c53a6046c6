"""The sender's role: helps the receiver to find the shared rows, and is told which they are."""

from collections.abc import Sequence

import numpy as np

from isthmus.alignment.cryptographic.diffie_hellman.sender import send as diffie_hellman
from isthmus.alignment.cryptographic.messages import RowCount, SharedCount, SharedRows
from isthmus.alignment.cryptographic.oblivious.sender import send as oblivious
from isthmus.alignment.cryptographic.rows import (
    Terms,
    check_enough,
    chosen_protocol,
    receive_row_count,
    too_few,
)
from isthmus.core.arrays import Integers
from isthmus.core.errors import PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.index import Index
from isthmus.transport.channel import Channel

_FINDS = {"diffie-hellman": diffie_hellman, "oblivious": oblivious}


def sender(
    receiver: Channel,
    identifiers: Sequence[bytes],
    terms: Terms,
    telemetry: Telemetry,
) -> Index:
    """Let the receiver find the rows that all parties have, and learn which of ours they are.

    We learn how many rows the receiver has and, unless they are too few, which of our own all
    parties hold. The receiver learns which rows it shares with us. Nobody learns an identifier that
    it does not have. A party can still put in identifiers that it made up: `terms.limits` bounds
    how many.

    Args:
        receiver: The channel to the receiver.
        identifiers: Normalised key of each of our rows, all different.
        terms: The terms of the job, and what our policy accepts.
        telemetry: Receives progress.

    Returns:
        Positions of the shared rows among `identifiers`, in the common order, which is random.

    Raises:
        SpecError: Fewer rows are shared than the job requires; a JobError if this follows from the
            parties' row counts.
        PolicyError: Our policy does not accept the protocol.
        PeerError: The receiver broke the protocol.
    """
    # 1. Exchange row counts.
    spec, theirs = terms.spec, receive_row_count(receiver, terms)
    receiver.send(RowCount(rows=len(identifiers)))
    check_enough(min(len(identifiers), theirs), spec)

    # 2. Let the receiver find the rows that both have.
    find = _FINDS[chosen_protocol(terms, len(identifiers), theirs)]
    order = find(receiver, identifiers, theirs, terms, telemetry)

    # 3. Receive the number of shared rows, unless they are too few.
    shared = receiver.receive(SharedCount).rows
    if shared is None:
        raise SpecError(too_few("too few", spec))
    if not spec.minimum_size <= shared <= min(len(identifiers), theirs):
        raise PeerError(
            f"{receiver.peer!r} says that {shared} rows are shared, which cannot be: the job asks "
            f"for {spec.minimum_size}, and the smaller party has "
            f"{min(len(identifiers), theirs)}. Do not go on: ask them which version they run."
        )

    # 4. Receive which rows they are, in the common order.
    return Index(order[_receive_positions(receiver, len(identifiers), shared, spec.batch_rows)])


def _receive_positions(receiver: Channel, rows: int, shared: int, size: int) -> Integers:
    positions = np.empty(shared, np.int64)
    for start in range(0, shared, size):
        block = positions[start : start + size]
        received = receiver.receive(SharedRows).positions
        if received.shape != block.shape:
            raise PeerError(
                f"{receiver.peer!r} sent positions of shape {received.shape} where {len(block)} "
                "shared rows were due. Compare `isthmus version` on both sides."
            )
        block[:] = received
    if positions.max() >= rows or len(np.unique(positions)) < shared:
        raise PeerError(
            f"{receiver.peer!r} sent positions of shared rows that repeat, or that are not rows of "
            "ours. Do not go on: ask them which version they run."
        )
    return positions
