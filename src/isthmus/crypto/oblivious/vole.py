"""Long rows of bits from short keys, in which one party's bits meet the other's secret numbers.

The receiver has all 64 leaves of each of 128 trees, the sender all but one of each: that of its
secret number d, below 64. Each leaf is the key of a stream of bits; r_x is the stream of leaf x.
For each column, that is for each tree,

    receiver:  u = sum of r_x,   v = sum of x r_x        sender:  w = sum of (x + d) r_x = v + d u

bit by bit: a bit of u, and six bits of v and w, because x has six. The sender's sum has no term of
the leaf that it lacks. So w = v + d u holds for every row, though the sender knows nothing of u and
the receiver nothing of d. The 6 * 128 = 768 bits of a row of v and w go through a public random
matrix to 128 bits at once, which is linear too: `fold` stands for it.

Source: Roy 2022, "SoftSpokenOT: quieter OT extension from small-field silent VOLE in the minicrypt
model", section 3 and figure 4. To fold rows is ours.
"""

import hashlib
import struct

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from isthmus.core.arrays import Integers
from isthmus.crypto.oblivious.bits import ROW_BITS, ROW_BYTES, Bytes, Words, planes_to_rows
from isthmus.crypto.oblivious.code import COLUMNS
from isthmus.crypto.oblivious.trees import LEAVES, LEVELS

BLOCK = 1 << 17
"""The most rows that are expanded at a time."""

_PLANE = BLOCK // 8
_SLACK = 16  # bytes beyond its output that `update_into` asks for

_FOLD = np.frombuffer(
    hashlib.shake_256(b"isthmus fold").digest(COLUMNS * LEVELS * ROW_BYTES), np.uint8
).reshape(COLUMNS, LEVELS, ROW_BYTES)
"""The image of each of the six bits of each column, 128 bits: nothing up our sleeves."""


def fold_images(numbers: Integers) -> list[int]:
    """Fold a bit of each column times a number.

    Args:
        numbers: A number below 64 for each column, shape (128,).

    Returns:
        The image of each column's bit, as a number of 128 bits.
    """
    images = list[int]()
    for column, number in zip(_FOLD, numbers.tolist(), strict=True):
        bits = (int.from_bytes(column[bit].tobytes(), "little") for bit in range(LEVELS))
        image = 0
        for place, bit in enumerate(bits):
            image ^= bit if number >> place & 1 else 0
        images.append(image)
    return images


class Expansion:
    """The streams of a party's leaves, block by block."""

    def __init__(self, leaves: Bytes, unknown: Integers | None = None) -> None:
        """Open the streams.

        Args:
            leaves: Shape (128, 64, 16).
            unknown: The number of the leaf that we lack in each tree, shape (128,); None if we
                have them all.
        """
        numbers = np.zeros(COLUMNS, np.int64) if unknown is None else unknown
        first = 0 if unknown is None else 1  # place p has leaf p + d: ours lacks place 0
        self._streams = [
            [
                _stream(leaves[column, place ^ number], column, place ^ number)
                for place in range(first, LEAVES)
            ]
            for column, number in enumerate(numbers.tolist())
        ]
        self._first = first
        self._zeros = memoryview(bytes(_PLANE))
        self._buffer = np.zeros(LEAVES * _PLANE + _SLACK, np.uint8)

    def folded(self, rows: int) -> Words:
        """Returns v, or w without all leaves, for the next rows, folded to 128 bits: (rows, 2)."""
        return self._expand(rows, None)

    def folded_with_sums(self, rows: int) -> tuple[Words, Words]:
        """Returns v folded to 128 bits, and the 128 bits of u, of the next rows: (rows, 2) each."""
        sums = np.empty((COLUMNS, _words(rows)), np.uint64)
        folded = self._expand(rows, sums)
        return folded, planes_to_rows(sums.view(np.uint8))[:rows]

    def _expand(self, rows: int, sums: Words | None) -> Words:
        words = _words(rows)
        size = 8 * words
        zeros, buffer = self._zeros[:size], self._buffer.data
        # Contiguous arrays only: numpy is three times slower on strips of a matrix.
        planes = self._buffer[: LEAVES * size].view(np.uint64).reshape(LEAVES, words)
        table = np.zeros((LEAVES, words), np.uint64)
        picked = np.empty((ROW_BITS, words), np.uint64)
        folded = np.zeros((ROW_BITS, words), np.uint64)
        for column, streams in enumerate(self._streams):
            planes[: self._first] = 0
            for place, stream in enumerate(streams, self._first):
                stream.update_into(zeros, buffer[place * size : (place + 1) * size + _SLACK])
            _sums_of_bits(planes, table)
            np.take(table, _PICKS[column], axis=0, out=picked, mode="clip")
            folded ^= picked
            if sums is not None:
                sums[column] = planes[0]
        return planes_to_rows(folded.view(np.uint8))[:rows]


def _sums_of_bits(planes: Words, table: Words) -> None:
    """Turn 64 planes r_x into the 64 sums of any of the six planes of the sum of x r_x.

    Args:
        planes: The planes, shape (64, words); the first one becomes the sum of them all.
        table: Where the sums go: item s is the sum of the planes of the bits of s.
    """
    half = LEAVES
    for bit in reversed(range(LEVELS)):
        half //= 2
        upper = planes[half : 2 * half]  # those whose number has this bit
        np.bitwise_xor.reduce(upper, axis=0, out=table[1 << bit])
        planes[:half] ^= upper
    for bit in range(LEVELS):
        lower = table[1 : 1 << bit]
        np.bitwise_xor(lower, table[1 << bit], out=table[(1 << bit) + 1 : 2 << bit])


def _stream(leaf: Bytes, column: int, number: int) -> CipherContext:
    counter = struct.pack(">HH12x", column, number)
    return Cipher(AES(leaf.tobytes()), CTR(counter)).encryptor()


def _words(rows: int) -> int:
    """Words of a plane of so many rows: a multiple of 64 bytes."""
    return -(-rows // 512) * 8


def _picks() -> Integers:
    """Which of the 64 sums of its six planes a column gives to each bit of the folded row."""
    picks = np.zeros((COLUMNS, ROW_BITS), np.int64)
    for bit in range(LEVELS):
        of_bit = np.unpackbits(_FOLD[:, bit], axis=1, bitorder="little").astype(np.int64)
        picks += of_bit << bit
    return picks


_PICKS = _picks()
