"""Everything that crosses in a cryptographic alignment, and what it tells.

| message           | direction          | the reader learns                                     |
|-------------------|--------------------|-------------------------------------------------------|
| RowCount          | both               | how many rows the other party brings                  |
| BlindedRows       | both               | nothing by itself: points under the other's key       |
| DoublyBlindedRows | sender -> receiver | with BlindedRows: which of its own rows are shared    |
| SharedCount       | receiver -> sender | how many rows are shared, or only that they are too   |
|                   |                    | few                                                   |
| SharedRows        | receiver -> sender | which of its own rows are shared                      |

RowCount crosses once each way. A round is BlindedRows from the receiver, BlindedRows from the
sender, DoublyBlindedRows; there are as many as the longer party has blocks of `batch_rows`, and the
shorter party's last blocks are empty. SharedCount follows, then SharedRows in blocks. Nothing
depends on an identifier's value but the points, which look random without both keys.
"""

from typing import ClassVar

from isthmus.alignment.cryptographic.spec import MAX_BATCH_ROWS
from isthmus.core.arrays import Integers
from isthmus.crypto.curve import POINT_BYTES
from isthmus.transport.message import Blinded, Count, Message

_ENVELOPE_BYTES = 1024  # more than enough for names and lengths around the payload


class RowCount(Message, frozen=True):
    """The number of rows of this party."""

    purpose: ClassVar[str] = "agree on sizes"
    reveals: ClassVar[str] = "how many rows the other party brings"
    max_bytes: ClassVar[int] = _ENVELOPE_BYTES

    rows: Count


class BlindedRows(Message, frozen=True):
    """One block of a party's identifiers in a secret order, hashed, under its own key."""

    purpose: ClassVar[str] = "find the shared rows"
    reveals: ClassVar[str] = "nothing by itself: identifiers under the other party's key"
    max_bytes: ClassVar[int] = MAX_BATCH_ROWS * POINT_BYTES + _ENVELOPE_BYTES

    points: Blinded


class DoublyBlindedRows(Message, frozen=True):
    """The receiver's last block under both keys, in the same order."""

    purpose: ClassVar[str] = "find the shared rows"
    reveals: ClassVar[str] = "which of its own rows the sender has too"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = MAX_BATCH_ROWS * POINT_BYTES + _ENVELOPE_BYTES

    points: Blinded


class SharedCount(Message, frozen=True):
    """The number of shared rows; None if it is below the job's minimum, which ends the job."""

    purpose: ClassVar[str] = "go on, or stop because too few rows are shared"
    reveals: ClassVar[str] = "how many rows are shared, or that they are too few"
    max_bytes: ClassVar[int] = _ENVELOPE_BYTES

    rows: Count | None


class SharedRows(Message, frozen=True):
    """One block of the shared rows in the common order: positions in the sender's secret order."""

    purpose: ClassVar[str] = "put the shared rows into one order"
    reveals: ClassVar[str] = "which of its own rows the receiver has too"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = MAX_BATCH_ROWS * 8 + _ENVELOPE_BYTES

    positions: Integers
