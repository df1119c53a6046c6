"""Everything that crosses while rows are scored online, and what it tells.

| message          | direction         | the reader learns                                         |
|------------------|-------------------|-----------------------------------------------------------|
| RequestedRows    | active -> passive | which of the shared rows the active party asks about now  |
| PartialPredictor | passive -> active | of a regression: its share of each row's linear predictor |
| Decisions        | passive -> active | of trees: which rows would go left at each of its splits  |

An answer follows each request, and a request for no rows is the last one: it has no answer.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from isthmus.transport.message import Message

Positions = NDArray[np.uint32]


class RequestedRows(Message, frozen=True):
    """Rows to score now, as positions in the shared index; none: there are no more requests."""

    purpose: ClassVar[str] = "ask for scores of rows"
    reveals: ClassVar[str] = "which of the shared rows the active party asks about, and when"
    discloses: ClassVar[bool] = True

    rows: Positions
