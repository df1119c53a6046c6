"""Messages of every cryptographic alignment, and what they tell.

| message           | direction          | the reader learns                                     |
|-------------------|--------------------|-------------------------------------------------------|
| RowCount          | both               | how many rows the other party brings                  |
| ComparedRows      | sender -> receiver | which of its own rows the sender has too              |
| SharedCount       | receiver -> sender | how many rows all share, or only that they are too    |
|                   |                    | few                                                   |
| SharedRows        | receiver -> sender | which of its own rows all parties have                |

RowCount crosses once each way. The messages of the protocol follow, ComparedRows among them: see
`diffie_hellman/messages.py` and `oblivious/messages.py`. Then comes SharedCount, and SharedRows in
blocks. With several senders, each is told of the rows that all parties hold, and of no others.
"""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from isthmus.alignment.cryptographic.spec import MAX_BATCH_ROWS
from isthmus.crypto.curve import POINT_BYTES
from isthmus.transport.message import Blinded, Count, Message

ENVELOPE_BYTES = 1024
"""More than enough for names and lengths around what a message holds."""


class RowCount(Message, frozen=True):
    """The number of rows of this party."""

    purpose: ClassVar[str] = "agree on sizes"
    reveals: ClassVar[str] = "how many rows the other party brings"
    max_bytes: ClassVar[int] = ENVELOPE_BYTES

    rows: Annotated[int, Meta(ge=0, lt=2**32)]  # positions have 32 bits


class ComparedRows(Message, frozen=True):
    """One block of rows under secrets of both parties: equal rows are equal bytes.

    By Diffie-Hellman the receiver's rows under both keys, in its order; by the oblivious protocol
    the values of the sender's secret function of its rows, in its secret order.
    """

    purpose: ClassVar[str] = "find the shared rows"
    reveals: ClassVar[str] = "which of its own rows the sender has too"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = MAX_BATCH_ROWS * POINT_BYTES + ENVELOPE_BYTES

    values: Blinded


class SharedCount(Message, frozen=True):
    """The number of shared rows; None if it is below the job's minimum, which ends the job."""

    purpose: ClassVar[str] = "go on, or stop because too few rows are shared"
    reveals: ClassVar[str] = "how many rows are shared, or that they are too few"
    max_bytes: ClassVar[int] = ENVELOPE_BYTES

    rows: Count | None


class SharedRows(Message, frozen=True):
    """One block of the shared rows in the common order: positions in the sender's secret order."""

    purpose: ClassVar[str] = "put the shared rows into one order"
    reveals: ClassVar[str] = "which of its own rows all parties have"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = MAX_BATCH_ROWS * 4 + ENVELOPE_BYTES

    positions: NDArray[np.uint32]
