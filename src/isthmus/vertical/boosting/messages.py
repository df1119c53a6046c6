"""Everything that crosses in a vertical boosting, and what it tells.

| message            | direction         | the reader learns                                       |
|--------------------|-------------------|---------------------------------------------------------|
| ColumnBins         | passive -> active | how many columns there are, kind and number of bins of  |
|                    |                   | each, in an order that tells nothing                    |
| Codes              | active -> passive | the numbers of its own columns, and a public key        |
| Next               | active -> passive | how far training is                                     |
| TreeStart          | active -> passive | which of its codes a tree may split on                  |
| SampledRows        | active -> passive | the rows of a tree; with goss, rather those that were   |
|                    |                   | predicted worst                                         |
| EncryptedGradients | active -> passive | nothing: encrypted under the active party's key         |
| LevelNodes         | active -> passive | which sampled rows are together in a node of a tree     |
| EncryptedSums      | passive -> active | which bins hold rows enough, and sums of gradients over |
|                    |                   | the rows of each group of bins                          |
| OwnSplits          | active -> passive | which of its bins part a node, and its other rows       |
| WentLeft           | passive -> active | which rows of a node have bins that go left             |
| Scoring            | active -> passive | how many trees are kept                                 |
| Decisions          | passive -> active | which rows would go left at each of its splits          |

First come ColumnBins and Codes. Then Next says what follows, until it says `score`:

- `tree`: TreeStart, SampledRows unless all rows take part, EncryptedGradients in blocks; the answer
  is EncryptedSums over all of them. A party of whose codes none takes part hears nothing.
- `level`: LevelNodes; the answer is EncryptedSums over one node of each pair of siblings.
- `split`: OwnSplits; the answer is WentLeft.
- `score`: Scoring; the answer is Decisions in blocks, and this is the end.

What holds at the passive party, whatever the active party sends: a sum is over no row or at least
`minimum_bin_rows`, and so is what a child's sum leaves of its parent's; no node is smaller, and a
split leaves so many rows on either side. What does not hold: the gradients are the active party's
own numbers, encrypted. If it gives one row a number that stands out, a sum tells the bin of that
row, and no party can see that it did. Against such a party only an audit of its program, or an
enclave, helps.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from isthmus.core.arrays import Bools, Integers
from isthmus.transport import message
from isthmus.transport.message import Count, Message

Bits = NDArray[np.uint8]
"""Booleans, eight per byte: see `pack_bits`."""

Places = NDArray[np.int16]
"""Node of each row, as a position among a few nodes; -1 for rows in none of them."""

RunId = Annotated[str, Meta(max_length=64)]
Task = Literal["tree", "level", "split", "score"]


class ColumnBins(Message, frozen=True):
    """Numbers of rows and bins of the passive party, and the run that it could resume."""

    purpose: ClassVar[str] = "agree on sizes, and number all columns"
    reveals: ClassVar[str] = "how many columns there are, the kind and number of bins of each"
    discloses: ClassVar[bool] = True

    train_rows: Count
    test_rows: Count
    categorical: Bools
    bins: Integers
    run: RunId


class Codes(Message, frozen=True):
    """Codes of the passive party's columns, the public key, and the tree to start after."""

    purpose: ClassVar[str] = "number all columns, and set up encryption"
    reveals: ClassVar[str] = (
        "the numbers of its own columns among all, and a public key made for this run"
    )

    codes: Integers
    key: bytes
    run: RunId
    trees: Count


class Next(Message, frozen=True):
    """The next task that the active party asks for."""

    purpose: ClassVar[str] = "take turns"
    reveals: ClassVar[str] = "how far training is"

    task: Task


class TreeStart(Message, frozen=True):
    """The start of a tree that may split on some of the passive party's codes."""

    purpose: ClassVar[str] = "grow a tree"
    reveals: ClassVar[str] = "which of its codes a tree may split on, and how many rows it is for"

    tree: Count
    codes: Integers
    rows: Count


class SampledRows(Message, frozen=True):
    """The rows that a tree is grown on, if these are not all rows."""

    purpose: ClassVar[str] = "grow a tree"
    reveals: ClassVar[str] = (
        "the rows of each tree; with `sampling = goss` these are rather the ones predicted worst"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = 256 * 2**20

    sampled: Bits


class EncryptedGradients(Message, frozen=True):
    """Gradient and hessian of each row of one block, together in one ciphertext."""

    purpose: ClassVar[str] = "sums of gradients by bin"
    reveals: ClassVar[str] = "nothing: encrypted under the active party's key"
    max_bytes: ClassVar[int] = 128 * 2**20

    first_row: Count
    ciphertexts: message.Encrypted


class LevelNodes(Message, frozen=True):
    """Node of each row: its pair's number for the node to sum, plus `pairs` for its sibling."""

    purpose: ClassVar[str] = "sums of gradients by bin"
    reveals: ClassVar[str] = "which rows are together in a node of a tree"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = 512 * 2**20

    pairs: Count
    place: Places


class EncryptedSums(Message, frozen=True):
    """Sums over the rows of each group of bins of the passive party's codes."""

    purpose: ClassVar[str] = "find the best split"
    reveals: ClassVar[str] = (
        "which bins of its codes hold rows enough, and sums of gradients over each group of bins"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = 1024 * 2**20

    starts: Bits
    ciphertexts: message.Encrypted


class OwnSplits(Message, frozen=True):
    """Splits on the passive party's codes, of nodes of the last level that it summed."""

    purpose: ClassVar[str] = "split nodes"
    reveals: ClassVar[str] = (
        "which of its bins part a node, which categories score higher, and rows not sampled"
    )
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = 512 * 2**20

    place: Places
    node: Integers
    code: Integers
    left: Bools
    others: Places


class WentLeft(Message, frozen=True):
    """Whether each row of the nodes that are split goes left, by position of the row."""

    purpose: ClassVar[str] = "split nodes"
    reveals: ClassVar[str] = "which rows of a node have bins that go left"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = 256 * 2**20

    left: Bits


class Scoring(Message, frozen=True):
    """The trees that the model keeps."""

    purpose: ClassVar[str] = "score the test rows"
    reveals: ClassVar[str] = "how many trees the model keeps"

    trees: Count


class Decisions(Message, frozen=True):
    """Whether each row of one block goes left at each of the passive party's splits."""

    purpose: ClassVar[str] = "score the test rows"
    reveals: ClassVar[str] = "which of the scored rows would go left at each of its splits"
    discloses: ClassVar[bool] = True
    max_bytes: ClassVar[int] = 1024 * 2**20

    first_row: Count
    left: Bits


def pack_bits(values: Bools) -> Bits:
    """Pack booleans of any shape, eight per byte; the last byte is padded with zeros."""
    return np.packbits(values)


def unpack_bits(bits: Bits, shape: Sequence[int]) -> Bools:
    """Unpack booleans that `pack_bits` packed.

    Args:
        bits: The bytes as received, shape (bytes,).
        shape: Shape of the booleans.

    Returns:
        The booleans, of that shape.

    Raises:
        ValueError: `bits` has another length.
    """
    count = int(np.prod(shape))
    if bits.shape != (-(-count // 8),):
        raise ValueError(f"{bits.size} bytes do not hold {count} bits")
    return np.unpackbits(bits, count=count).astype(np.bool_).reshape(shape)
