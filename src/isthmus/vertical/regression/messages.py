"""Shares of sums over all passive parties, at any level and when a model scores.

| message          | direction         | the reader learns                                        |
|------------------|-------------------|----------------------------------------------------------|
| PartialNumbers   | passive -> active | a few sums over its coefficients, steps and gradient     |
| PartialSlope     | passive -> active | one projection of the passive party's columns, per row   |
| PartialPredictor | passive -> active | the passive party's share of each row's linear predictor |
| PairKey          | passive -> active | a public key of this run, signed                         |
| PairKeys         | active -> passive | the public keys of all passive parties, signed by each   |
| MaskedNumbers    | passive -> active | with those of all: a few sums over their coefficients    |
| MaskedSlope      | passive -> active | with those of all: one projection of all their columns   |
| MaskedPredictor  | passive -> active | with those of all: their share of each row's predictor   |

With one passive party its values cross as they are. Several agree on keys, two by two, through the
active party (PairKey, PairKeys), and then send what is Masked: the active party learns their sum.
"""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from isthmus.core.arrays import Floats
from isthmus.crypto.certificates import SIGNATURE_BYTES
from isthmus.crypto.identity import CERTIFICATE_BYTES
from isthmus.transport.message import Count, MaskedIntegers, MaskedLongWords, Message

PublicKey = Annotated[bytes, Meta(min_length=32, max_length=32)]
Certificate = Annotated[bytes, Meta(min_length=CERTIFICATE_BYTES, max_length=CERTIFICATE_BYTES)]
Signature = Annotated[bytes, Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]

_LARGEST_BLOCK = 2**26


class PartialNumbers(Message, frozen=True):
    """A few sums over the passive party's coefficients, that parties' sums add up to."""

    purpose: ClassVar[str] = "search along a joint direction"
    reveals: ClassVar[str] = "a few sums over the passive party's coefficients, steps and gradient"
    discloses: ClassVar[bool] = True

    values: Floats


class PartialSlope(Message, frozen=True):
    """Change of the passive party's partial predictor along its direction, one block of rows."""

    purpose: ClassVar[str] = "search along the direction"
    reveals: ClassVar[str] = "one linear combination of the passive party's columns, row by row"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = _LARGEST_BLOCK

    first_row: Count
    values: Floats


class PartialPredictor(Message, frozen=True):
    """The passive party's share of the linear predictor, one block of rows."""

    purpose: ClassVar[str] = "predict"
    reveals: ClassVar[str] = "the passive party's share of each row's score"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = _LARGEST_BLOCK

    first_row: Count
    values: Floats


class SignedKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A public key, with what shows whose it is."""

    key: PublicKey
    certificate: Certificate
    signature: Signature


class PairKey(Message, frozen=True):
    """A public key of a passive party for masks that it shares with each other one."""

    purpose: ClassVar[str] = "sum shares that nobody sees"
    reveals: ClassVar[str] = "a public key made for this run, signed"

    signed: SignedKey


class PairKeys(Message, frozen=True):
    """The keys of all passive parties, in the order of their names."""

    purpose: ClassVar[str] = "sum shares that nobody sees"
    reveals: ClassVar[str] = "public keys made for this run, each signed by its party"

    signed: list[SignedKey]


class MaskedNumbers(Message, frozen=True):
    """A few numbers in fixed point modulo 2^128, under masks."""

    purpose: ClassVar[str] = "sum shares that nobody sees"
    reveals: ClassVar[str] = (
        "with those of all passive parties: sums over their coefficients and gradients"
    )
    discloses: ClassVar[bool] = True

    values: MaskedIntegers


class MaskedSlope(Message, frozen=True):
    """Change of the party's partial predictor, in fixed point modulo 2^64, under masks."""

    purpose: ClassVar[str] = "search along the direction"
    reveals: ClassVar[str] = (
        "with those of all passive parties: one linear combination of all their columns, row by row"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = _LARGEST_BLOCK

    first_row: Count
    values: MaskedLongWords


class MaskedPredictor(Message, frozen=True):
    """The party's share of the linear predictor, in fixed point modulo 2^64, under masks."""

    purpose: ClassVar[str] = "predict"
    reveals: ClassVar[str] = (
        "with those of all passive parties: the share of all of them of each row's score"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = _LARGEST_BLOCK

    first_row: Count
    values: MaskedLongWords
