"""The receiver's role: finds the shared rows, and tells the sender which of its rows they are."""

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
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.curve import BlindingKey
from isthmus.data.index import Index
from isthmus.transport.channel import Channel


def receiver(
    sender: Channel,
    identifiers: Sequence[bytes],
    spec: CryptographicAlignment,
    context: bytes,
    telemetry: Telemetry,
    sender_rows_limit: int | None = None,
) -> Index:
    """Find the rows that both parties have, and agree with the sender on an order of them.

    We learn how many rows the sender has and which of our own are among them, even if they are too
    few to go on. The sender learns the same about its rows, but only if they are enough. Neither
    learns an identifier that it does not have, if Diffie-Hellman is hard on ristretto255. A party
    can still put in identifiers that it made up: `sender_rows_limit` bounds how many.

    Args:
        sender: The channel to the sender.
        identifiers: Normalised key of each of our rows, all different.
        spec: The `[alignment]` table.
        context: The job's digest: points of one job are useless in another.
        telemetry: Receives progress.
        sender_rows_limit: The most rows that the job allows the sender; None for no limit.

    Returns:
        Positions of the shared rows among `identifiers`, in the common order, which is random.

    Raises:
        SpecError: Fewer rows are shared than the job requires; a JobError if this follows from the
            parties' row counts.
        PeerError: The sender broke the protocol.

    Source:
        Meadows 1986, "A more efficient cryptographic matchmaking protocol for use in the absence
        of a continuously available third party"; Huberman, Franklin and Hogg 1999, "Enhancing
        privacy and trust in electronic communities".
    """
    key, order = BlindingKey(), secret_order(len(identifiers))
    shuffled: list[bytes] = [identifiers[row] for row in order.tolist()]

    # 1. Exchange row counts.
    sender.send(RowCount(rows=len(identifiers)))
    theirs = receive_row_count(sender, sender_rows_limit)
    check_enough(min(len(identifiers), theirs), spec)

    # 2. Block by block, get our points under both keys, and multiply theirs by our key.
    our_points, their_points = list[bytes](), list[bytes]()
    for block in blocks(len(identifiers), theirs, spec.batch_rows):
        ours = shuffled[block.ours]
        sender.send(BlindedRows(points=key.blind_identifiers(ours, context)))
        points = check_points(sender.receive(BlindedRows).points, block.theirs, sender.peer)
        their_points.append(blind(key, points, sender.peer))
        points = sender.receive(DoublyBlindedRows).points
        our_points.append(check_points(points, len(ours), sender.peer))
        telemetry.progress("align", block.done, len(identifiers) + theirs)

    # 3. A row is shared if its point under both keys is the same.
    _, our_positions, their_positions = np.intersect1d(
        distinct(our_points, sender.peer),
        distinct(their_points, sender.peer),
        assume_unique=True,
        return_indices=True,
    )

    # 4. Stop if too few rows are shared: single people could be identified. Only our own error
    #    says how many; the sender learns no more than that they are too few.
    shared = len(our_positions)
    if shared < spec.minimum_size:
        sender.send(SharedCount(rows=None))
        raise SpecError(too_few(f"{shared} shared rows", spec))
    sender.send(SharedCount(rows=shared))

    # 5. Draw a common order, and tell the sender the positions of its rows in it.
    common = secret_order(shared)
    for start in range(0, shared, spec.batch_rows):
        chosen = common[start : start + spec.batch_rows]
        sender.send(SharedRows(positions=their_positions[chosen]))
    return Index(order[our_positions[common]])
