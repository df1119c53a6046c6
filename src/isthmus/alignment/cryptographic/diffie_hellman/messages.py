"""Messages of the Diffie-Hellman protocol, and what they tell.

| message           | direction          | the reader learns                                     |
|-------------------|--------------------|-------------------------------------------------------|
| BlindedRows       | both               | nothing by itself: points under the other's key       |

A round is BlindedRows from the receiver, BlindedRows from the sender, and ComparedRows: the
receiver's block under both keys. There are as many rounds as the longer party has blocks of
`batch_rows`, and the shorter party's last blocks are empty. Nothing depends on an identifier's
value but the points, which look random without both keys.
"""

from typing import ClassVar

from isthmus.alignment.cryptographic.messages import ENVELOPE_BYTES
from isthmus.alignment.cryptographic.spec import MAX_BATCH_ROWS
from isthmus.crypto.curve import POINT_BYTES
from isthmus.transport.message import Blinded, Message


class BlindedRows(Message, frozen=True):
    """One block of a party's identifiers in a secret order, hashed, under its own key."""

    purpose: ClassVar[str] = "find the shared rows"
    reveals: ClassVar[str] = "nothing by itself: identifiers under the other party's key"
    max_bytes: ClassVar[int] = MAX_BATCH_ROWS * POINT_BYTES + ENVELOPE_BYTES

    points: Blinded
