"""Everything that crosses in an attested alignment, and what it tells.

Between parties, from the enclave of one to the enclave of another; the first party is the one whose
enclave compares identifiers:

| message           | direction      | the reader learns                                           |
|-------------------|----------------|-------------------------------------------------------------|
| PaddedRowCount    | both           | how many rows the other party brings, rounded up            |
| Challenge         | both           | nothing: random bytes, a public key, the party's signature  |
| EnclaveEvidence   | both           | which program runs in the other's enclave, on what machine  |
| SealedSeed        | other -> first | nothing: sealed                                             |
| SealedKey         | first -> other | nothing: sealed                                             |
| SealedIdentifiers | other -> first | from its own enclave: which of its rows all parties have    |
| SealedVerdict     | first -> other | from its own enclave: the size of the result, or too few    |
| SealedPositions   | first -> other | from its own enclave: which of its rows all parties have    |

PaddedRowCount, Challenge and EnclaveEvidence cross once each way, then SealedSeed, SealedKey, as
many SealedIdentifiers as there are buckets for the other's rounded number of rows, SealedVerdict
and, where the job gives the other rows, SealedPositions for as many rows as that number. Sealed
frames are all of one size. What an enclave tells its own party is bounded by `results` of the job.

Between a party and its own enclave, never off the machine:

| message         | direction        | the reader learns                                          |
|-----------------|------------------|------------------------------------------------------------|
| EnclaveStart    | party -> enclave | what all agreed on, whom to trust, and the date            |
| EnclaveClaims   | enclave -> party | what the enclave of another party proved to ours           |
| IdentifierBlock | party -> enclave | the party's own identifiers                                |
| EnclaveVerdict  | enclave -> party | that too few rows are shared, or how many if it may know   |
| SharedBlock     | enclave -> party | which of its own rows all parties have, if it may know     |
"""

from datetime import datetime
from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from isthmus.alignment.attested.buckets import MOST_ROWS
from isthmus.alignment.attested.terms import Terms
from isthmus.core.arrays import Integers
from isthmus.crypto.certificates import SIGNATURE_BYTES
from isthmus.crypto.sealing import FRAME_BYTES, KEY_BYTES
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.policy import EnclavePolicy
from isthmus.transport.message import Count, Encrypted, Message

_ENVELOPE_BYTES = 1024  # more than enough for names and lengths around the payload

BLOCK_ROWS = 2**16
"""Most rows in a block between a party and its enclave."""

BLOCK_BYTES = 2**22
"""Most bytes of identifiers in such a block, and so of one identifier."""

Rows = Annotated[int, Meta(ge=0, le=MOST_ROWS)]
Random = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(max_length=4 * SIGNATURE_BYTES)]
PublicKey = Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
Frame = Annotated[Encrypted, Meta(min_length=FRAME_BYTES, max_length=FRAME_BYTES)]
Octets = NDArray[np.uint8]


# Between parties.


class PaddedRowCount(Message, frozen=True):
    """The number of rows of this party, rounded up to a multiple of the job's `rows_step`."""

    purpose: ClassVar[str] = "agree on sizes"
    reveals: ClassVar[str] = "how many rows the other party brings, rounded up"
    max_bytes: ClassVar[int] = _ENVELOPE_BYTES

    rows: Rows


class Challenge(Message, frozen=True):
    """Random bytes and a key that the other enclave's evidence must cover, so that it is fresh."""

    purpose: ClassVar[str] = "attest the enclaves"
    reveals: ClassVar[str] = (
        "nothing: random bytes, a public key of this run, and its party's signature under both"
    )
    max_bytes: ClassVar[int] = _ENVELOPE_BYTES

    nonce: Random
    key: PublicKey
    signature: Signature = b""
    """By the key of the enclave's party, which adds it: evidence does not say whose it is."""


class EnclaveEvidence(Message, frozen=True):
    """The evidence of an enclave."""

    purpose: ClassVar[str] = "attest the enclaves"
    reveals: ClassVar[str] = "which program runs in the other party's enclave, on what machine"
    max_bytes: ClassVar[int] = 2**20

    evidence: Evidence


class SealedSeed(Message, frozen=True):
    """One enclave's seed for the keys of this alignment."""

    purpose: ClassVar[str] = "agree on keys"
    reveals: ClassVar[str] = "nothing: only the first party's enclave can open it"
    max_bytes: ClassVar[int] = FRAME_BYTES + _ENVELOPE_BYTES

    frame: Frame


class SealedKey(Message, frozen=True):
    """The key under which all enclaves hash identifiers."""

    purpose: ClassVar[str] = "agree on keys"
    reveals: ClassVar[str] = "nothing: only its own enclave can open it"
    max_bytes: ClassVar[int] = FRAME_BYTES + _ENVELOPE_BYTES

    frame: Frame


class SealedIdentifiers(Message, frozen=True):
    """One bucket of a party's identifiers, hashed, and padded with random bytes."""

    purpose: ClassVar[str] = "find the shared rows"
    reveals: ClassVar[str] = "through its own enclave: which of its own rows all parties have"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = FRAME_BYTES + _ENVELOPE_BYTES

    frame: Frame


class SealedVerdict(Message, frozen=True):
    """Whether enough rows are shared, and how many if the reader's party may know."""

    purpose: ClassVar[str] = "go on, or stop because too few rows are shared"
    reveals: ClassVar[str] = "through its own enclave: how many rows are shared, or too few"
    max_bytes: ClassVar[int] = FRAME_BYTES + _ENVELOPE_BYTES

    frame: Frame


class SealedPositions(Message, frozen=True):
    """The slots of a party's shared rows in its buckets, in the common order."""

    purpose: ClassVar[str] = "put the shared rows into one order"
    reveals: ClassVar[str] = "through its own enclave: which of its own rows all parties have"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = FRAME_BYTES + _ENVELOPE_BYTES

    frame: Frame


# Between a party and its own enclave.


class EnclaveStart(Message, frozen=True):
    """The settings of an enclave, sent before all other messages."""

    purpose: ClassVar[str] = "start the enclave"
    reveals: ClassVar[str] = "to the party's own enclave: what was agreed on, and whom to trust"

    terms: Terms
    us: str
    """Name of the party."""

    rows: Rows
    kind: Kind
    endorsements: bytes
    policy: EnclavePolicy
    at_time: datetime
    """When evidence must be valid. An enclave has no trusted clock of its own."""


class EnclaveClaims(Message, frozen=True):
    """The claims in the evidence of another party's enclave, verified by ours."""

    purpose: ClassVar[str] = "attest the enclaves"
    reveals: ClassVar[str] = "to its own party: what the enclave of another party proved"
    max_bytes: ClassVar[int] = 2**20

    claims: Claims


class IdentifierBlock(Message, frozen=True):
    """Identifiers of a party, for its own enclave."""

    purpose: ClassVar[str] = "find the shared rows"
    reveals: ClassVar[str] = "to the party's own enclave: the party's identifiers"
    max_bytes: ClassVar[int] = BLOCK_BYTES + (BLOCK_ROWS + 1) * 8 + _ENVELOPE_BYTES

    offsets: Integers
    """Start of each identifier in `octets`, and end of the last; shape (rows + 1,)."""

    octets: Octets


class EnclaveVerdict(Message, frozen=True):
    """Whether enough rows are shared; a SealedVerdict holds one too."""

    purpose: ClassVar[str] = "go on, or stop because too few rows are shared"
    reveals: ClassVar[str] = "to its own party: how many rows are shared, or that they are too few"
    max_bytes: ClassVar[int] = _ENVELOPE_BYTES

    enough: bool
    size: Count | None
    """Number of shared rows; None if the party may not know it, or if they are too few."""


class SharedBlock(Message, frozen=True):
    """Positions of a party's own shared rows, in the common order."""

    purpose: ClassVar[str] = "put the shared rows into one order"
    reveals: ClassVar[str] = "to its own party: which of its own rows all parties have"
    max_bytes: ClassVar[int] = BLOCK_ROWS * 8 + _ENVELOPE_BYTES

    rows: Integers
