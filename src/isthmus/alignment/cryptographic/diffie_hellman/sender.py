"""The sender's side of Diffie-Hellman: helps the receiver to find the shared rows."""

from collections.abc import Sequence

from isthmus.alignment.cryptographic.diffie_hellman.messages import BlindedRows
from isthmus.alignment.cryptographic.diffie_hellman.points import (
    blind,
    blocks,
    check_points,
    distinct,
)
from isthmus.alignment.cryptographic.messages import ComparedRows
from isthmus.alignment.cryptographic.rows import Terms, secret_order
from isthmus.core.arrays import Integers
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.curve import BlindingKey
from isthmus.transport.channel import Channel


def send(
    receiver: Channel,
    identifiers: Sequence[bytes],
    theirs: int,
    terms: Terms,
    telemetry: Telemetry,
) -> Integers:
    """Let the receiver find the rows that both hold, if Diffie-Hellman is hard on ristretto255.

    Args:
        receiver: The channel to the receiver.
        identifiers: Normalised key of each of our rows, all different.
        theirs: The receiver's number of rows.
        terms: With the rows that cross at a time, and the context of our points.
        telemetry: Receives progress.

    Returns:
        The secret order of our rows, in which the receiver knows them: positions among
        `identifiers`, shape (rows,).

    Raises:
        PeerError: The receiver broke the protocol.

    Source:
        As of the receiver's side.
    """
    key, order = BlindingKey(), secret_order(len(identifiers))
    shuffled: list[bytes] = [identifiers[row] for row in order.tolist()]

    # Block by block, send our points, and return theirs multiplied by our key. Both parties blind
    # their own block, then each other's, at the same time.
    their_points = list[bytes]()
    for block in blocks(len(identifiers), theirs, terms.spec.batch_rows):
        ours = shuffled[block.ours]
        blinded = key.blind_identifiers(ours, terms.context)
        points = check_points(receiver.receive(BlindedRows).points, block.theirs, receiver.peer)
        receiver.send(BlindedRows(points=blinded))
        receiver.send(ComparedRows(values=blind(key, points, receiver.peer)))
        their_points.append(points)
        telemetry.progress("align", block.done, len(identifiers) + theirs)
    distinct(their_points, receiver.peer)
    return order
