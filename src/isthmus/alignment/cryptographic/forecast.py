"""Forecast of the messages of a cryptographic alignment."""

from collections import Counter

import numpy as np

from isthmus.alignment.cryptographic import messages
from isthmus.alignment.cryptographic.blocks import blocks as rounds
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.crypto.curve import POINT_BYTES
from isthmus.ledger.forecast import Flow, Sizes, blocks


def forecast(
    spec: CryptographicAlignment, sizes: Sizes, receiver: str = "active", sender: str = "passive"
) -> list[Flow]:
    """Forecast the messages of one alignment.

    Args:
        spec: The `[alignment]` table.
        sizes: Rows of both parties, and number of shared rows.
        receiver: The receiver's role in the job.
        sender: The sender's role in the job.

    Returns:
        The flows of both parties.
    """
    ours, theirs = sizes.rows[receiver], sizes.rows[sender]
    flows = [
        Flow(receiver, messages.RowCount(rows=ours), 1),
        Flow(sender, messages.RowCount(rows=theirs), 1),
    ]
    each = rounds(ours, theirs, spec.batch_rows)
    alike = Counter((len(range(ours)[block.ours]), block.theirs) for block in each)
    for (own_rows, other_rows), count in alike.items():
        own, other = bytes(POINT_BYTES * own_rows), bytes(POINT_BYTES * other_rows)
        flows += [
            Flow(receiver, messages.BlindedRows(points=own), count),
            Flow(sender, messages.BlindedRows(points=other), count),
            Flow(sender, messages.DoublyBlindedRows(points=own), count),
        ]
    flows.append(Flow(receiver, messages.SharedCount(rows=sizes.shared), 1))
    for count, size in blocks(sizes.shared, spec.batch_rows):
        positions = messages.SharedRows(positions=np.zeros(size, np.int64))
        flows.append(Flow(receiver, positions, count))
    return flows
