"""Rows of 128 bits as pairs of 64-bit words: linear maps over GF(2), and rows to planes and back.

A plane holds one bit of every row. Rows are what is looked up and sent; planes are what streams of
keys are added up in. Bit b of a row is bit b of its 16 bytes, the lowest bit of the first byte
being bit 0.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

ROW_BITS = 128
ROW_BYTES = ROW_BITS // 8

_WORD = (1 << 64) - 1
_PART = 8192  # rows at a time: what is looked up stays in the cache of the processor


class LinearMap:
    """A linear map over GF(2) from some bits to 128, by one look-up for each byte."""

    def __init__(self, images: Sequence[int]) -> None:
        """Make the tables.

        Args:
            images: The image of each unit vector as a number of 128 bits; a multiple of 8 of them.
        """
        tables = np.zeros((len(images) // 8, 256, 2), np.uint64)
        for place, image in enumerate(images):
            byte, bit = divmod(place, 8)
            pair = np.array([image & _WORD, image >> 64], np.uint64)
            tables[byte, 1 << bit : 2 << bit] = tables[byte, : 1 << bit] ^ pair
        self._tables = as_items(tables.reshape(-1, 2)).reshape(len(images) // 8, 256)

    def add(self, inputs: Bytes, rows: Words) -> None:
        """Add the images of inputs to rows, in place.

        Args:
            inputs: Bytes, shape (rows, input bits / 8).
            rows: What they are added to, shape (rows, 2).
        """
        for start in range(0, len(inputs), _PART):
            part, target = inputs[start : start + _PART], rows[start : start + _PART]
            for byte, table in enumerate(self._tables):
                target ^= from_items(table[part[:, byte]])


def as_items(rows: Words) -> NDArray[np.complex128]:
    """Returns rows, shape (rows, 2), as items of 16 bytes, which numpy moves at once; no copy."""
    return rows.view(np.complex128).ravel()


def from_items(items: NDArray[np.complex128]) -> Words:
    """Returns items of 16 bytes as rows, shape (rows, 2); no copy."""
    return items.view(np.uint64).reshape(-1, 2)


def as_bytes(rows: NDArray[np.uint64]) -> Bytes:
    """Returns the bytes of each row, shape (rows, bytes of a row)."""
    return np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), -1)


def planes_to_rows(planes: Bytes) -> Words:
    """Turn planes into rows.

    Args:
        planes: Shape (128, bytes), contiguous.

    Returns:
        The rows, shape (8 * bytes, 2).
    """
    size = planes.shape[1]
    words = np.ascontiguousarray(planes.reshape(ROW_BYTES, 8, size).transpose(0, 2, 1))
    flipped = _flip(words.view(np.uint64)).view(np.uint8).reshape(ROW_BYTES, size * 8)
    return np.ascontiguousarray(flipped.T).view(np.uint64).reshape(-1, 2)


def rows_to_planes(rows: Words) -> Bytes:
    """Turn rows into planes.

    Args:
        rows: Shape (8 * bytes, 2), contiguous.

    Returns:
        The planes, shape (128, bytes).
    """
    size = len(rows) // 8
    words = np.ascontiguousarray(rows.view(np.uint8).reshape(size * 8, ROW_BYTES).T)
    flipped = _flip(words.view(np.uint64)).view(np.uint8).reshape(ROW_BYTES, size, 8)
    return np.ascontiguousarray(flipped.transpose(0, 2, 1)).reshape(ROW_BITS, size)


def _flip(words: Words) -> Words:
    """Transpose every word as an 8 x 8 matrix of bits, in place (Hacker's Delight, 7-3)."""
    steps = ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0))
    for distance, bits in steps:
        shift, mask = np.uint64(distance), np.uint64(bits)
        moved = words >> shift
        moved ^= words
        moved &= mask
        words ^= moved
        moved <<= shift
        words ^= moved
    return words
