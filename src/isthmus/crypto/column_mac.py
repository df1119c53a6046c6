"""AES-CMAC of a whole column: 16 bytes for each identifier, which reveal nothing without the key.

The CMAC of `cryptography` takes one item at a time, and a column has millions. Here step j of CMAC
(NIST SP 800-38B, section 6.2) is one call of AES for the jth blocks of all items together. Only the
order of the steps is ours; the tests compare the result with the library's own CMAC.
"""

from typing import NamedTuple

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.cmac import CMAC
from numpy.typing import NDArray

from isthmus.core.arrays import Integers

Octets = bytes | bytearray | memoryview
Words = NDArray[np.uint64]

_BLOCK = 16  # bytes of an AES block
_MOST_BLOCKS = 16  # longer items go one by one; few identifiers have over 256 bytes
_ROWS = 2**14  # rows at a time: they fit the cache, and this bounds the memory
_OCTETS = np.dtype(f"V{_BLOCK}")
_WORDS = np.dtype("<u8")  # in memory order: only their bits are combined
_RESULT = np.dtype(">u8")
_ZEROS = bytes(_BLOCK)


def column_mac(key: bytes, offsets: Integers, data: Octets) -> Words:
    """Returns the AES-CMAC of every item of a column.

    Needs memory for the result, for a copy of the items of 16,384 rows, and a few MB.

    Args:
        key: AES key: 16, 24 or 32 bytes.
        offsets: Item i is `data[offsets[i] : offsets[i + 1]]`; shape (rows + 1,), non-decreasing.
        data: The items, one after the other.

    Returns:
        Shape (rows, 2): each code as two words, the higher one first. To sort by (first word,
        second word) is to sort by the bytes of the code.

    Raises:
        ValueError: The offsets decrease, or lie outside the data.
    """
    octets = np.frombuffer(data, np.uint8)
    _check(offsets, octets.size)
    mac = _Mac.of(key)
    codes = np.empty((offsets.size - 1, 2), np.uint64)
    for start in range(0, len(codes), _ROWS):
        part = offsets[start : start + _ROWS + 1]
        items = np.concatenate([octets[part[0] : part[-1]], np.zeros(_BLOCK, np.uint8)])
        codes[start : start + _ROWS] = _codes(mac, part - part[0], items)
    return codes


def _check(offsets: Integers, size: int) -> None:
    if offsets.size == 0 or offsets[0] < 0 or offsets[-1] > size:
        raise ValueError(f"offsets do not lie within {size} bytes")
    if (offsets[1:] < offsets[:-1]).any():
        raise ValueError("offsets fall: an item would end before it begins")


class _Mac(NamedTuple):
    """An AES key, and tables for the last block of an item by its length, 0 to 16 bytes."""

    key: bytes
    cipher: CipherContext
    kept: Words  # shape (17, 2): which bits of the last block belong to the item
    added: Words  # shape (17, 2): padding and subkey that the last block is combined with

    @classmethod
    def of(cls, key: bytes) -> "_Mac":
        cipher = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - CMAC is built from it
        whole_block = _doubled(cipher.update(_ZEROS))  # K1 of the standard
        part_block = _doubled(whole_block)  # K2
        kept, added = np.zeros((2, _BLOCK + 1, _BLOCK), np.uint8)
        for length in range(_BLOCK):
            kept[length, :length] = 0xFF
            added[length, length] = 0x80  # the padding: a one, then zeros
            added[length] ^= np.frombuffer(part_block, np.uint8)
        kept[_BLOCK] = 0xFF
        added[_BLOCK] = np.frombuffer(whole_block, np.uint8)
        return cls(key, cipher, kept.view(_WORDS), added.view(_WORDS))

    def encrypt(self, blocks: Words) -> Words:
        encrypted = self.cipher.update(blocks.data.cast("B"))
        return np.frombuffer(encrypted, _WORDS).reshape(-1, 2)

    def of_one(self, item: bytes) -> bytes:
        mac = CMAC(AES(self.key))
        mac.update(item)
        return mac.finalize()


def _codes(mac: _Mac, offsets: Integers, items: NDArray[np.uint8]) -> Words:
    """Returns the codes of some rows; a block of zeros must follow the last item."""
    starts, lengths = offsets[:-1], np.diff(offsets)
    blocks = (lengths + _BLOCK - 1) // _BLOCK
    counts = np.clip(blocks, 1, _MOST_BLOCKS + 1)  # an empty item has an empty block
    codes = np.empty((starts.size, 2), _WORDS)
    for count in np.flatnonzero(np.bincount(counts)):
        rows = np.flatnonzero(counts == count)
        if count <= _MOST_BLOCKS:
            codes[rows] = _chained(mac, items, starts[rows], lengths[rows], int(count))
        else:
            codes[rows] = _one_by_one(mac, items, starts[rows], lengths[rows])
    return codes.view(_RESULT).astype(np.uint64)


def _chained(
    mac: _Mac, items: NDArray[np.uint8], starts: Integers, lengths: Integers, count: int
) -> Words:
    """Returns the codes of items that have the same number of blocks."""
    windows = np.ndarray((items.size - _BLOCK + 1,), _OCTETS, items, strides=(1,))
    state = np.zeros((starts.size, 2), _WORDS)
    for block in range(count):
        words = windows[starts + block * _BLOCK].view(_WORDS).reshape(-1, 2)
        if block == count - 1:
            rest = lengths - block * _BLOCK
            words = (words & mac.kept.take(rest, axis=0)) ^ mac.added.take(rest, axis=0)
        state = mac.encrypt(state ^ words)
    return state


def _one_by_one(mac: _Mac, items: NDArray[np.uint8], starts: Integers, lengths: Integers) -> Words:
    places = zip(starts, starts + lengths, strict=True)
    codes = [mac.of_one(items[start:end].tobytes()) for start, end in places]
    return np.frombuffer(b"".join(codes), _WORDS).reshape(-1, 2)


def _doubled(block: bytes) -> bytes:
    """Returns the block times x in GF(2^128), for the subkeys of CMAC (section 6.1)."""
    shifted = int.from_bytes(block) << 1
    if shifted >> 128:
        shifted ^= (1 << 128) | 0x87
    return shifted.to_bytes(_BLOCK)
