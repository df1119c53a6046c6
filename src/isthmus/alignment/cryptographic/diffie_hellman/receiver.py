"""The receiver's side of Diffie-Hellman: learns which of its rows the sender has too."""

from collections.abc import Sequence

import numpy as np

from isthmus.alignment.cryptographic.diffie_hellman.messages import BlindedRows
from isthmus.alignment.cryptographic.diffie_hellman.points import (
    blind,
    blocks,
    check_points,
    distinct,
)
from isthmus.alignment.cryptographic.messages import ComparedRows
from isthmus.alignment.cryptographic.rows import Matches, Terms, secret_order
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.curve import BlindingKey
from isthmus.transport.channel import Channel


def receive(
    sender: Channel,
    identifiers: Sequence[bytes],
    theirs: int,
    terms: Terms,
    telemetry: Telemetry,
) -> Matches:
    """Find the rows that the sender has too, if Diffie-Hellman is hard on ristretto255.

    Args:
        sender: The channel to the sender.
        identifiers: Normalised key of each of our rows, all different.
        theirs: The sender's number of rows.
        terms: With the rows that cross at a time, and the context of our points.
        telemetry: Receives progress.

    Returns:
        The rows that both hold.

    Raises:
        PeerError: The sender broke the protocol.

    Source:
        Meadows 1986, "A more efficient cryptographic matchmaking protocol for use in the absence
        of a continuously available third party"; Huberman, Franklin and Hogg 1999, "Enhancing
        privacy and trust in electronic communities".
    """
    key, order = BlindingKey(), secret_order(len(identifiers))
    shuffled: list[bytes] = [identifiers[row] for row in order.tolist()]

    # 1. Block by block, get our points under both keys, and multiply theirs by our key.
    our_points, their_points = list[bytes](), list[bytes]()
    for block in blocks(len(identifiers), theirs, terms.spec.batch_rows):
        ours = shuffled[block.ours]
        sender.send(BlindedRows(points=key.blind_identifiers(ours, terms.context)))
        points = check_points(sender.receive(BlindedRows).points, block.theirs, sender.peer)
        their_points.append(blind(key, points, sender.peer))
        points = sender.receive(ComparedRows).values
        our_points.append(check_points(points, len(ours), sender.peer))
        telemetry.progress("align", block.done, len(identifiers) + theirs)

    # 2. A row is shared if its point under both keys is the same.
    _, our_positions, their_positions = np.intersect1d(
        distinct(our_points, sender.peer),
        distinct(their_points, sender.peer),
        assume_unique=True,
        return_indices=True,
    )
    return Matches(order[our_positions], their_positions)
