"""The sender's role: helps the receiver to find the shared rows, and is told which they are."""

from collections.abc import Sequence

import numpy as np

from isthmus.alignment.cryptographic.blocks import (
    blind,
    blocks,
    check_enough,
    check_points,
    distinct,
    receive_row_count,
    secret_order,
    too_few,
)
from isthmus.alignment.cryptographic.messages import (
    BlindedRows,
    DoublyBlindedRows,
    RowCount,
    SharedCount,
    SharedRows,
)
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.core.arrays import Integers
from isthmus.core.errors import PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.curve import BlindingKey
from isthmus.data.index import Index
from isthmus.transport.channel import Channel


def sender(
    receiver: Channel,
    identifiers: Sequence[bytes],
    spec: CryptographicAlignment,
    context: bytes,
    telemetry: Telemetry,
    receiver_rows_limit: int | None = None,
) -> Index:
    """Let the receiver find the rows that both parties have, and learn which of ours they are.

    We learn how many rows the receiver has and, unless they are too few, which of our own are
    among them. The receiver learns the same about its rows. Neither learns an identifier that it
    does not have, if Diffie-Hellman is hard on ristretto255. A party can still put in identifiers
    that it made up: `receiver_rows_limit` bounds how many.

    Args:
        receiver: The channel to the receiver.
        identifiers: Normalised key of each of our rows, all different.
        spec: The `[alignment]` table.
        context: The job's digest: points of one job are useless in another.
        telemetry: Receives progress.
        receiver_rows_limit: The most rows that the job allows the receiver; None for no limit.

    Returns:
        Positions of the shared rows among `identifiers`, in the common order, which is random.

    Raises:
        SpecError: Fewer rows are shared than the job requires; a JobError if this follows from the
            parties' row counts.
        PeerError: The receiver broke the protocol.

    Source:
        Meadows 1986, "A more efficient cryptographic matchmaking protocol for use in the absence
        of a continuously available third party"; Huberman, Franklin and Hogg 1999, "Enhancing
        privacy and trust in electronic communities".
    """
    key, order = BlindingKey(), secret_order(len(identifiers))
    shuffled: list[bytes] = [identifiers[row] for row in order.tolist()]

    # 1. Exchange row counts.
    theirs = receive_row_count(receiver, receiver_rows_limit)
    receiver.send(RowCount(rows=len(identifiers)))
    check_enough(min(len(identifiers), theirs), spec)

    # 2. Block by block, send our points, and return theirs multiplied by our key. Both parties
    #    blind their own block, then each other's, at the same time.
    their_points = list[bytes]()
    for block in blocks(len(identifiers), theirs, spec.batch_rows):
        ours = shuffled[block.ours]
        blinded = key.blind_identifiers(ours, context)
        points = check_points(receiver.receive(BlindedRows).points, block.theirs, receiver.peer)
        receiver.send(BlindedRows(points=blinded))
        receiver.send(DoublyBlindedRows(points=blind(key, points, receiver.peer)))
        their_points.append(points)
        telemetry.progress("align", block.done, len(identifiers) + theirs)
    distinct(their_points, receiver.peer)

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
    if positions.min() < 0 or positions.max() >= rows or len(np.unique(positions)) < shared:
        raise PeerError(
            f"{receiver.peer!r} sent positions of shared rows that repeat, or that are not rows of "
            "ours. Do not go on: ask them which version they run."
        )
    return positions
