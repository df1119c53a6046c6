"""Messages in place of RoundUpdate, where a job asks for more privacy or fewer bytes.

| message      | direction       | the reader learns                                              |
|--------------|-----------------|----------------------------------------------------------------|
| SparseUpdate | child -> master | as RoundUpdate tells, but only of the parameters that move     |
|              |                 | most                                                           |
| CoarseUpdate | child -> master | as RoundUpdate tells, rounded                                  |
| MaskKeys     | child -> master | public keys of one round, signed, and the metrics of training  |
| Participants | master -> child | who takes part, with which public keys and certificates, and   |
|              |                 | what each one counts for                                       |
| SealedShares | both            | the master nothing; a child, shares of secrets of its          |
|              |                 | neighbours, too few to know one; who has signed for the sum    |
| MaskedUpdate | child -> master | nothing by itself: the update is under masks                   |
| Survivors    | master -> child | whose updates are in the sum                                   |
| Opening      | child -> master | with those of others: the weighted sum of all these updates    |

With secure aggregation a child that has trained sends MaskKeys. Then Turn says `share`
(Participants, answered by SealedShares), `mask` (SealedShares of its neighbours, answered by
MaskedUpdate) and `open` (Survivors, answered by Opening). Whoever falls silent is left out of the
sum, at any of these.
"""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from isthmus.crypto.certificates import SIGNATURE_BYTES
from isthmus.crypto.identity import CERTIFICATE_BYTES
from isthmus.horizontal.messages import NO_ROWS
from isthmus.transport.message import Count, EncryptedByName, Finite, MaskedWords, Message

Name = Annotated[str, Meta(max_length=200)]
"""Of a child."""

PublicKey = Annotated[bytes, Meta(min_length=32, max_length=32)]
Share = Annotated[bytes, Meta(min_length=32, max_length=32)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Weight = Annotated[float, Meta(ge=0, le=1)]

Signature = Annotated[bytes, Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]
Certificate = Annotated[bytes, Meta(min_length=CERTIFICATE_BYTES, max_length=CERTIFICATE_BYTES)]

_LARGEST_MODEL = 2**30


class SparseUpdate(Message, frozen=True):
    """The numbers of an update that are furthest from zero, and those left out before."""

    purpose: ClassVar[str] = "train in rounds"
    reveals: ClassVar[str] = (
        "how training on the child's own samples moves the parameters that move most, and metrics"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = _LARGEST_MODEL

    round: Count
    positions: NDArray[np.uint32]
    values: NDArray[np.float32]
    metrics: dict[str, Finite]


class CoarseUpdate(Message, frozen=True):
    """An update in whole numbers of 8 bits, times one step for each array of the model."""

    purpose: ClassVar[str] = "train in rounds"
    reveals: ClassVar[str] = (
        "how training on the child's own samples moves each parameter, rounded, and metrics; in "
        "tables, which rows they touch"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = _LARGEST_MODEL

    round: Count
    steps: NDArray[np.float32]
    levels: NDArray[np.int8]
    """Of tables, where the job has any, only those of the rows that moved."""

    metrics: dict[str, Finite]
    rows: NDArray[np.uint8] = NO_ROWS
    """Which rows of all tables moved, a bit for each."""


class Keys(Struct, frozen=True, forbid_unknown_fields=True):
    """Public keys of one child in one sum."""

    masking: PublicKey
    """For the masks that it has in common with others."""

    sealing: PublicKey
    """For notes to it."""


class MaskKeys(Message, frozen=True):
    """The update of a round is ready, and these are keys for its masks."""

    purpose: ClassVar[str] = "train in rounds"
    reveals: ClassVar[str] = (
        "public keys of one round, the child's certificate, and the metrics of its training"
    )
    discloses: ClassVar[bool] = True

    round: Count
    keys: Keys
    seed: Digest
    """SHA-256 of what the child's own mask is made of."""

    certificate: Certificate
    signature: Signature
    """Over the keys, and what they are for."""

    metrics: dict[str, Finite]


class Participants(Message, frozen=True):
    """Who takes part in a sum."""

    purpose: ClassVar[str] = "sum updates that nobody sees"
    reveals: ClassVar[str] = (
        "who takes part and what each child counts for, which may be its share of all samples"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = 2**26

    round: Count
    keys: dict[Name, Keys]
    certificates: dict[Name, Certificate]
    signatures: dict[Name, Signature]
    """Of each child, over its keys."""

    weights: dict[Name, Weight]


class SealedShares(Message, frozen=True):
    """Shares of secrets: at the master by whom they are for, at a child by whose they are."""

    purpose: ClassVar[str] = "sum updates that nobody sees"
    reveals: ClassVar[str] = (
        "to children, shares of secrets of others, too few to know one, and who signed for the sum"
    )

    round: Count
    sealed: EncryptedByName
    signatures: dict[Name, Signature]
    """Over the sum: at the master of the child that sends it, at a child of all who take part."""


class MaskedUpdate(Message, frozen=True):
    """An update times its weight, in whole numbers modulo 2^32, under masks."""

    purpose: ClassVar[str] = "sum updates that nobody sees"
    reveals: ClassVar[str] = "nothing by itself: the update is under masks"
    max_bytes: ClassVar[int] = _LARGEST_MODEL

    round: Count
    values: MaskedWords


class Survivors(Message, frozen=True):
    """Whose masked updates arrived."""

    purpose: ClassVar[str] = "sum updates that nobody sees"
    reveals: ClassVar[str] = "whose updates are in the sum"

    round: Count
    children: list[Name]


class Opening(Message, frozen=True):
    """Shares of what the masks of a sum are made of; never both of one child."""

    purpose: ClassVar[str] = "sum updates that nobody sees"
    reveals: ClassVar[str] = "with those of others: the weighted sum of all updates in it"
    discloses: ClassVar[bool] = True

    round: Count
    seeds: dict[Name, Share]
    """Of children whose update is in the sum: of the secret behind their own mask."""

    keys: dict[Name, Share]
    """Of children that dropped out: of the secret key behind the masks with others."""
