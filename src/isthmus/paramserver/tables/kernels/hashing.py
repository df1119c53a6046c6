"""Hashes of keys and texts, and what follows from them: shards, and the first values of rows.

The id of a text, in plain Python; `hash_text` gives the same:

    def id_of(text: bytes) -> int:
        hashed = 0xCBF29CE484222325                       # FNV-1a of 64 bits
        for byte in text:
            hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            hashed = (hashed ^ hashed >> 33) * factor % 2**64
        return (hashed ^ hashed >> 33) % 2**63            # the sign bit cleared
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.tables.kernels.compiling import compiled
from isthmus.paramserver.window import Float32s, Int32s, Int64s, Keys, UInt16s

_BASIS = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_FIRST = np.uint64(0xFF51AFD7ED558CCD)
_SECOND = np.uint64(0xC4CEB9FE1A85EC53)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SHARD = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(33)
_HALF = np.uint64(32)
_NO_SIGN = np.uint64(2**63 - 1)
_TO_24_BITS = np.uint64(40)


def hash_text(offsets: NDArray[Any], data: NDArray[np.uint8]) -> Int64s:
    """Hash texts to ids.

    Args:
        offsets: Where each text begins in `data`, and where the last one ends, as Arrow has it:
            int32 or int64, shape (texts + 1,).
        data: The bytes of all texts.

    Returns:
        Ids of 63 bits, shape (texts,).
    """
    found = np.empty(len(offsets) - 1, np.int64)
    _hash_text(offsets, data, found)
    return found


def shard_of(keys: Keys, shards: int) -> Int32s:
    """Returns the number of the shard on which each key lies, shape (keys,)."""
    found = np.empty(len(keys), np.int32)
    _shard_of(keys.feature, keys.id, np.uint64(shards), found)
    return found


def draw(keys: Keys, seed: int, dimension: int, scale: float) -> Float32s:
    """First values of rows, which follow from seed and key alone.

    Args:
        keys: The keys.
        seed: The job's seed.
        dimension: Numbers of a row.
        scale: They lie evenly between this and its negative.

    Returns:
        Shape (keys, dimension).
    """
    found = np.empty((len(keys), dimension), np.float32)
    _draw(keys.feature, keys.id, np.uint64(seed % 2**64), np.float32(scale), found)
    return found


@compiled
def mix(hashed: np.uint64) -> np.uint64:
    """Spread the bits of a number over all bits (the last step of MurmurHash3)."""
    hashed = (hashed ^ (hashed >> _SHIFT)) * _FIRST
    hashed = (hashed ^ (hashed >> _SHIFT)) * _SECOND
    return hashed ^ (hashed >> _SHIFT)


@compiled
def hash_key(feature: np.uint16, identity: np.int64) -> np.uint64:
    """Hash a key to 64 bits."""
    return mix(np.uint64(identity) + (np.uint64(feature) + np.uint64(1)) * _GOLDEN)


@compiled
def _hash_text(offsets: NDArray[Any], data: NDArray[np.uint8], found: Int64s) -> None:
    for text in range(len(found)):
        hashed = _BASIS
        for at in range(offsets[text], offsets[text + 1]):
            hashed = (hashed ^ np.uint64(data[at])) * _PRIME
        found[text] = np.int64(mix(hashed) & _NO_SIGN)


@compiled
def _shard_of(features: UInt16s, ids: Int64s, shards: np.uint64, found: Int32s) -> None:
    for key in range(len(ids)):
        # A second hash: the table of a shard tells its keys apart by the bits of the first.
        hashed = mix(hash_key(features[key], ids[key]) ^ _SHARD)
        found[key] = ((hashed >> _HALF) * shards) >> _HALF


@compiled
def _draw(features: UInt16s, ids: Int64s, seed: np.uint64, scale: np.float32, found: Any) -> None:
    steps = np.float32(2.0**-23)
    for key in range(len(ids)):
        state = mix(hash_key(features[key], ids[key]) + mix(seed + _GOLDEN))
        for column in range(found.shape[1]):
            state += _GOLDEN
            # 24 bits are all that a float32 between -1 and 1 tells apart.
            even = np.float32(mix(state) >> _TO_24_BITS) * steps - np.float32(1)
            found[key, column] = even * scale
