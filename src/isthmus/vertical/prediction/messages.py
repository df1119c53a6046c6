"""Everything that crosses while rows are scored online or decided about, and what it tells.

| message            | direction         | the reader learns                                    |
|--------------------|-------------------|------------------------------------------------------|
| RequestedRows      | active -> passive | which of the shared rows the active party asks about |
| PartialPredictor   | passive -> active | of a regression: its share of each row's predictor   |
| Decisions          | passive -> active | of trees: which rows would go left at its splits     |
| ComparisonSeed     | active -> passive | nothing: a random seed                               |
| ComparedNumbers    | passive -> active | nothing: encrypted under a key of these rows         |
| ComparisonProducts | active -> passive | nothing: fair coins, and noise that hides the rest   |
| ZeroRows           | passive -> active | whether the score of each row is above the cut       |

An answer follows each request, and a request for no rows is the last one: it has no answer.
Decisions take the last four messages for every `SLOTS` rows: crypto/lattice/comparison.py.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from isthmus.transport.message import Encrypted, MaskedBytes, Message
from isthmus.vertical.boosting.messages import Bits

Positions = NDArray[np.uint32]


class RequestedRows(Message, frozen=True):
    """Rows to score now, as positions in the shared index; none: there are no more requests."""

    purpose: ClassVar[str] = "ask for scores of rows"
    reveals: ClassVar[str] = "which of the shared rows the active party asks about, and when"
    discloses: ClassVar[bool] = True

    rows: Positions


class ComparisonSeed(Message, frozen=True):
    """The active party's say in the public key of the passive party."""

    purpose: ClassVar[str] = "decide which scores are above the cut"
    reveals: ClassVar[str] = "nothing: a random seed"

    seed: bytes


class ComparedNumbers(Message, frozen=True):
    """The passive party's share of each row's predictor, encrypted bit by bit, and the key."""

    purpose: ClassVar[str] = "decide which scores are above the cut"
    reveals: ClassVar[str] = "nothing: encrypted under the passive party's key"

    key: bytes
    bits: Encrypted


class ComparisonProducts(Message, frozen=True):
    """The same bits times the active party's numbers: a 0 among random numbers, or none."""

    purpose: ClassVar[str] = "decide which scores are above the cut"
    reveals: ClassVar[str] = "nothing: whether a row has a 0 among random numbers is a fair coin"

    products: MaskedBytes


class ZeroRows(Message, frozen=True):
    """Whether each row has a 0: with its coin, the active party knows whether it is above."""

    purpose: ClassVar[str] = "decide which scores are above the cut"
    reveals: ClassVar[str] = "whether the score of each row is above the cut"
    discloses: ClassVar[bool] = True

    rows: Bits
