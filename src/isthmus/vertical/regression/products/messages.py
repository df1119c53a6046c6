"""Everything that crosses when sums x^T d are computed under encryption, and what it tells.

The value side has an integer d of each row, the column side integer columns x. The column side gets
the sum over rows of x times d for each of its columns; the value side gets nothing.

| message         | direction         | the reader learns                                         |
|-----------------|-------------------|-----------------------------------------------------------|
| ProductSeed     | columns -> values | nothing: random bytes, of the scheme "bfv" only           |
| ProductKey      | values -> columns | public keys; with "bfv" they are of this product only     |
| EncryptedValues | values -> columns | nothing: encrypted under the value side's key             |
| MaskedSums      | columns -> values | nothing: encrypted sums under one-time masks              |
| OpenedSums      | values -> columns | with the masks off: the sums, one equation about the      |
|                 |                   | values per column                                         |

Values with several outputs (classes of a multinomial model) are as many products, one after the
other. The size of each message depends on declared numbers only: rows, columns, outputs and the
job. See `value_side.py` and `column_side.py` for the order.
"""

from typing import ClassVar

from isthmus.transport import message
from isthmus.transport.message import Message


class ProductSeed(Message, frozen=True):
    """Random bytes of the column side: it has a say in the keys that hide its columns."""

    purpose: ClassVar[str] = "agree on keys of one product"
    reveals: ClassVar[str] = "nothing: random bytes"

    seed: bytes


class ProductKey(Message, frozen=True):
    """Public keys that the values are encrypted under."""

    purpose: ClassVar[str] = "set up encryption"
    reveals: ClassVar[str] = "public keys made for this run, or for one product of it"
    max_bytes: ClassVar[int] = 128 * 2**20

    key: bytes


class EncryptedValues(Message, frozen=True):
    """One value of each row of a block, encrypted; blocks come in the order of rows."""

    purpose: ClassVar[str] = "sums of columns times values"
    reveals: ClassVar[str] = "nothing: encrypted under the sender's key"
    max_bytes: ClassVar[int] = 256 * 2**20

    ciphertexts: message.Encrypted


class MaskedSums(Message, frozen=True):
    """Encrypted sums of the sender's columns times the reader's values, each masked."""

    purpose: ClassVar[str] = "sums of columns times values"
    reveals: ClassVar[str] = (
        "nothing: a one-time mask, as wide as the encryption allows, hides each"
    )
    max_bytes: ClassVar[int] = 256 * 2**20

    ciphertexts: message.Encrypted


class OpenedSums(Message, frozen=True):
    """The same sums, decrypted, but still masked by the reader."""

    purpose: ClassVar[str] = "sums of columns times values"
    reveals: ClassVar[str] = (
        "sums of its own columns times the sender's values: one equation about them per column"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = 16 * 2**20

    sums: message.MaskedBytes
