"""Everything that crosses in the preparation of columns, and what it tells.

| message         | direction         | the reader learns                                        |
|-----------------|-------------------|----------------------------------------------------------|
| Prepares        | passive -> active | whether it holds its prepared columns from before a stop |
| PreparesAnew    | active -> passive | whether both go on with those; a public key              |
| EncryptedLabels | active -> passive | nothing: encrypted under the active party's key          |
| MaskedLabelSums | passive -> active | nothing: sums under masks, as many as the job says       |
| OpenedLabelSums | active -> passive | how many rows of label 1 each of its bins has            |
| OwnMoments      | active -> passive | the correlations of the active party's columns           |
| PreparedColumns | passive -> active | how many columns the passive party trains                |
| ColumnCounts    | active -> passive | how many columns every party trains                      |

The three of labels cross for [preparation.woe]. OwnMoments, and the messages of the encrypted
product (`products/messages.py`), cross where the job compares columns of both parties: of these the
passive party learns the correlation of each of its columns with each of the active party's.
ColumnCounts crosses at the level "shared" of a regression, where each party multiplies others'
columns.

Bins of a passive party, their edges, weights and information values never leave it. Two columns
whose bins differ by few rows would tell the labels of these few, so the rows of a bin, and what is
left of it, are at least `preparation.woe.least_rows`; against a party that makes bins to single out
rows only the count of equations helps, `label_exposure`.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from isthmus.core.arrays import Integers
from isthmus.transport import message
from isthmus.transport.message import Count, Message

Columns = Annotated[int, Meta(ge=1, le=100_000)]


class Prepares(Message, frozen=True):
    """Rows of the passive party, and whether it holds prepared columns of this run."""

    purpose: ClassVar[str] = "prepare columns once"
    reveals: ClassVar[str] = "whether the other party had prepared its columns before a stop"

    rows: Count
    held: bool


class PreparesAnew(Message, frozen=True):
    """Whether columns are prepared anew, and the public key of the labels, if they cross."""

    purpose: ClassVar[str] = "prepare columns once"
    reveals: ClassVar[str] = "whether both had prepared their columns before a stop; a public key"

    anew: bool
    key: bytes


class EncryptedLabels(Message, frozen=True):
    """Labels of one block of rows, encrypted."""

    purpose: ClassVar[str] = "weight of evidence of the passive party's bins"
    reveals: ClassVar[str] = "nothing: encrypted under the active party's key"
    max_bytes: ClassVar[int] = 128 * 2**20

    first_row: Count
    ciphertexts: message.Encrypted


class MaskedLabelSums(Message, frozen=True):
    """Sums of labels over the rows of each bin, each under a mask."""

    purpose: ClassVar[str] = "weight of evidence of the passive party's bins"
    reveals: ClassVar[str] = (
        "nothing: a one-time mask, as wide as the encryption allows, hides each"
    )
    max_bytes: ClassVar[int] = 256 * 2**20

    ciphertexts: message.Encrypted


class OpenedLabelSums(Message, frozen=True):
    """The same sums, decrypted, but still masked by the passive party."""

    purpose: ClassVar[str] = "weight of evidence of the passive party's bins"
    reveals: ClassVar[str] = "how many rows of label 1 each of its bins has"
    discloses: ClassVar[bool] = True

    sums: message.MaskedBytes


class OwnMoments(Message, frozen=True):
    """Sums, and sums of products, of the active party's columns in integers."""

    purpose: ClassVar[str] = "leave out columns that repeat others"
    reveals: ClassVar[str] = (
        "the correlations of the active party's columns with each other and with its own ones"
    )
    discloses: ClassVar[bool] = True

    sums: Integers
    products: Integers


class PreparedColumns(Message, frozen=True):
    """Columns that the passive party trains."""

    purpose: ClassVar[str] = "agree on sizes"
    reveals: ClassVar[str] = "how many columns the passive party trains"

    columns: Columns


class ColumnCounts(Message, frozen=True):
    """Columns that each party trains, by its name."""

    purpose: ClassVar[str] = "agree on sizes"
    reveals: ClassVar[str] = "how many columns every party trains"

    columns: dict[str, Columns]
