"""Forecast of the messages of the Diffie-Hellman protocol."""

from collections import Counter
from collections.abc import Iterator

from isthmus.alignment.cryptographic.diffie_hellman.messages import BlindedRows
from isthmus.alignment.cryptographic.diffie_hellman.points import blocks
from isthmus.alignment.cryptographic.messages import ComparedRows
from isthmus.crypto.curve import POINT_BYTES
from isthmus.ledger.forecast import Flow


def forecast(ours: int, theirs: int, batch_rows: int, receiver: str, sender: str) -> Iterator[Flow]:
    """Forecast the messages between a receiver and a sender.

    Args:
        ours: Rows of the receiver.
        theirs: Rows of the sender.
        batch_rows: Rows of each party that cross at a time.
        receiver: The receiver's role in the job.
        sender: The sender's role in the job.

    Yields:
        The flows of both.
    """
    each = blocks(ours, theirs, batch_rows)
    alike = Counter((len(range(ours)[block.ours]), block.theirs) for block in each)
    for (own_rows, other_rows), count in alike.items():
        own, other = bytes(POINT_BYTES * own_rows), bytes(POINT_BYTES * other_rows)
        yield Flow(receiver, BlindedRows(points=own), count)
        yield Flow(sender, BlindedRows(points=other), count)
        yield Flow(sender, ComparedRows(values=own), count)
