"""Forecast of the messages of a cryptographic alignment."""

import numpy as np

from isthmus.alignment.cryptographic import messages
from isthmus.alignment.cryptographic.diffie_hellman.forecast import forecast as diffie_hellman
from isthmus.alignment.cryptographic.oblivious.forecast import forecast as oblivious
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.ledger.forecast import Flow, Sizes, blocks


def forecast(
    spec: CryptographicAlignment, sizes: Sizes, receiver: str = "active", sender: str = "passive"
) -> list[Flow]:
    """Forecast the messages of one alignment, between the receiver and one sender.

    Args:
        spec: The `[alignment]` table.
        sizes: Rows of both parties, and number of rows that all parties share.
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
    match spec.protocol_for(ours, theirs):
        case "diffie-hellman":
            flows += diffie_hellman(ours, theirs, spec.batch_rows, receiver, sender)
        case "oblivious":
            flows += oblivious(ours, theirs, receiver, sender)
    flows.append(Flow(receiver, messages.SharedCount(rows=sizes.shared), 1))
    for count, size in blocks(sizes.shared, spec.batch_rows):
        positions = messages.SharedRows(positions=np.zeros(size, np.uint32))
        flows.append(Flow(receiver, positions, count))
    return flows
