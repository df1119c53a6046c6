"""Forecast of the messages of the oblivious protocol: their sizes are exact."""

from isthmus.alignment.cryptographic.messages import ComparedRows
from isthmus.alignment.cryptographic.oblivious import messages
from isthmus.alignment.cryptographic.oblivious.attempt import NONCE_BYTES
from isthmus.crypto.curve import POINT_BYTES
from isthmus.crypto.oblivious import corrections
from isthmus.crypto.oblivious.base_transfers import CHOICE_BYTES
from isthmus.crypto.oblivious.bits import ROW_BYTES
from isthmus.crypto.oblivious.corrections import CHALLENGE_BYTES, PROOF_BYTES
from isthmus.crypto.oblivious.row_hash import compared_bytes
from isthmus.crypto.oblivious.trees import GROWN_BYTES, TRANSFERS
from isthmus.crypto.oblivious.vole import BLOCK
from isthmus.ledger.forecast import Flow, blocks


def forecast(ours: int, theirs: int, receiver: str, sender: str) -> list[Flow]:
    """Forecast the messages between a receiver and a sender.

    Args:
        ours: Rows of the receiver.
        theirs: Rows of the sender.
        receiver: The receiver's role in the job.
        sender: The sender's role in the job.

    Returns:
        The flows of both.
    """
    trees = messages.GrownTrees(answer=bytes(POINT_BYTES), keys=bytes(GROWN_BYTES))
    width = compared_bytes(ours, theirs)
    return [
        Flow(receiver, messages.Nonce(value=bytes(NONCE_BYTES)), 1),
        Flow(sender, messages.Nonce(value=bytes(NONCE_BYTES)), 1),
        Flow(sender, messages.TransferChoices(points=bytes(TRANSFERS * CHOICE_BYTES)), 1),
        Flow(receiver, trees, 1),
        *(
            Flow(receiver, messages.Corrections(slots=bytes(size * ROW_BYTES)), count)
            for count, size in blocks(corrections.slots(ours), BLOCK)
        ),
        Flow(sender, messages.CorrectionsChallenge(value=bytes(CHALLENGE_BYTES)), 1),
        Flow(receiver, messages.CorrectionsProof(tags=bytes(PROOF_BYTES)), 1),
        *(
            Flow(sender, ComparedRows(values=bytes(size * width)), count)
            for count, size in blocks(theirs, BLOCK)
        ),
    ]
