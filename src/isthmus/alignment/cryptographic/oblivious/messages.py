"""Messages of the oblivious protocol, and what they tell.

| message              | direction          | the reader learns                                  |
|----------------------|--------------------|----------------------------------------------------|
| Nonce                | both               | nothing: random bytes of this attempt              |
| TransferChoices      | sender -> receiver | nothing: random points                             |
| GrownTrees           | receiver -> sender | nothing: keys under keys                           |
| Corrections          | receiver -> sender | nothing: a table under a random stream             |
| CorrectionsChallenge | sender -> receiver | nothing: random bytes                              |
| CorrectionsProof     | receiver -> sender | nothing: hashes that random slots hide             |

They cross in this order, Corrections in blocks; ComparedRows follow, the values of the sender's
secret function of its rows. Sizes depend on the numbers of rows alone. A Nonce is drawn for every
attempt, and nothing of a broken one is used again.
"""

from typing import ClassVar

from isthmus.alignment.cryptographic.messages import ENVELOPE_BYTES
from isthmus.crypto.oblivious.base_transfers import CHOICE_BYTES
from isthmus.crypto.oblivious.bits import ROW_BYTES
from isthmus.crypto.oblivious.trees import GROWN_BYTES, TRANSFERS
from isthmus.crypto.oblivious.vole import BLOCK
from isthmus.transport.message import Blinded, MaskedBytes, Message


class Nonce(Message, frozen=True):
    """Random bytes, which make all hashes those of this attempt."""

    purpose: ClassVar[str] = "find the shared rows"
    reveals: ClassVar[str] = "nothing: random bytes"
    max_bytes: ClassVar[int] = ENVELOPE_BYTES

    value: bytes


class TransferChoices(Message, frozen=True):
    """The sender's choice among two keys, many times, as pairs of random points."""

    purpose: ClassVar[str] = "find the shared rows"
    reveals: ClassVar[str] = "nothing: random points"
    max_bytes: ClassVar[int] = TRANSFERS * CHOICE_BYTES + ENVELOPE_BYTES

    points: Blinded


class GrownTrees(Message, frozen=True):
    """What lets the sender grow all but one of the keys of each of the receiver's trees."""

    purpose: ClassVar[str] = "find the shared rows"
    reveals: ClassVar[str] = "nothing: keys under keys"
    max_bytes: ClassVar[int] = GROWN_BYTES + ENVELOPE_BYTES

    answer: Blinded
    keys: MaskedBytes


class Corrections(Message, frozen=True):
    """One block of the table of the receiver's rows, under a stream of its keys."""

    purpose: ClassVar[str] = "find the shared rows"
    reveals: ClassVar[str] = "nothing: a table under a random stream"
    max_bytes: ClassVar[int] = BLOCK * ROW_BYTES + ENVELOPE_BYTES

    slots: MaskedBytes


class CorrectionsChallenge(Message, frozen=True):
    """What the receiver proves its corrections for."""

    purpose: ClassVar[str] = "check that the receiver follows the protocol"
    reveals: ClassVar[str] = "nothing: random bytes"
    max_bytes: ClassVar[int] = ENVELOPE_BYTES

    value: bytes


class CorrectionsProof(Message, frozen=True):
    """Hashes of the receiver's table and stream, which fit only corrections of the right form."""

    purpose: ClassVar[str] = "check that the receiver follows the protocol"
    reveals: ClassVar[str] = "nothing: hashes that random slots hide"
    max_bytes: ClassVar[int] = 4 * ENVELOPE_BYTES

    tags: MaskedBytes
