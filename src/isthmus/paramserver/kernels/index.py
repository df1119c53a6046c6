"""From keys to numbers of records: open addressing, in parts that grow one at a time.

A place holds 32 bits of the key's hash above the record's number plus 1, or 0 if it is free. The
key itself lies in the record. Places of a part are in the order of these bits, as far as collisions
allow, so a part grows by one pass over it that reads no record.
"""

from typing import Any, NamedTuple

import numpy as np

from isthmus.paramserver.kernels.compiling import compiled
from isthmus.paramserver.kernels.hashing import hash_key
from isthmus.paramserver.kernels.memory import load_long, load_word, prefetch, store_long
from isthmus.paramserver.window import Int64s, UInt16s

PART_BITS = 8
PARTS = 1 << PART_BITS
BLOCK = 64
"""Keys that are looked up side by side, so that their memory arrives together."""

_PLACE = 8  # bytes
_WORD = 4
_PART_SHIFT = np.uint64(64 - PART_BITS)
_HALF = np.uint64(32)
_LOW = np.uint64(2**32 - 1)
_NOTHING = np.uint64(0)


class Parts(NamedTuple):
    """Where the places of an index lie; all arrays have shape (PARTS,)."""

    addresses: Int64s
    capacities: Int64s
    used: Int64s


class Segments(NamedTuple):
    """Where records lie: number n is record `n % 2**shift` of segment `n >> shift`."""

    addresses: Int64s
    shift: int
    size: int
    """Bytes of a record."""


@compiled
def address_of(segments: Segments, number: Any) -> Any:
    """Returns the address of a record."""
    start = segments.addresses[number >> segments.shift]
    return start + (number & ((1 << segments.shift) - 1)) * segments.size


@compiled
def find(parts: Parts, segments: Segments, features: UInt16s, ids: Int64s, found: Int64s) -> None:
    """Look keys up: `found` gets the number of each one's record, or -1."""
    for start in range(0, len(ids), BLOCK):
        stop = min(start + BLOCK, len(ids))
        find_block(parts, segments, features[start:stop], ids[start:stop], found[start:stop])


@compiled
def find_block(
    parts: Parts, segments: Segments, features: UInt16s, ids: Int64s, found: Int64s
) -> None:
    """Look up at most BLOCK keys."""
    tags = np.empty(BLOCK, np.uint64)
    places = np.empty(BLOCK, np.int64)
    for key in range(len(ids)):
        hashed = hash_key(features[key], ids[key])
        tags[key] = hashed
        part = np.int64(hashed >> _PART_SHIFT)
        place = _home(hashed & _LOW, parts.capacities[part])
        places[key] = place
        prefetch(parts.addresses[part] + place * _PLACE)
    for key in range(len(ids)):
        part = np.int64(tags[key] >> _PART_SHIFT)
        start, capacity = parts.addresses[part], parts.capacities[part]
        places[key] = _probe(start, capacity, places[key], tags[key] & _LOW)
        held = load_long(start + places[key] * _PLACE)
        found[key] = np.int64(held & _LOW) - 1
        if held != _NOTHING:
            record = address_of(segments, found[key])
            prefetch(record)
            prefetch(record + 64)
    for key in range(len(ids)):
        if found[key] >= 0 and not is_key(segments, found[key], features[key], ids[key]):
            part = np.int64(tags[key] >> _PART_SHIFT)
            place = _place_of(parts, segments, features[key], ids[key])
            held = load_long(parts.addresses[part] + place * _PLACE)
            found[key] = np.int64(held & _LOW) - 1


@compiled
def is_key(segments: Segments, number: Any, feature: np.uint16, identity: np.int64) -> bool:
    """Returns whether a record has this key."""
    record = address_of(segments, number)
    if np.int64(load_long(record)) != identity:
        return False
    same: bool = (load_word(record + 3 * _WORD) >> np.uint32(16)) == feature
    return same


@compiled
def insert(parts: Parts, feature: np.uint16, identity: np.int64, number: int) -> None:
    """Add a key that is not in the index; its part has room."""
    hashed = hash_key(feature, identity)
    part = np.int64(hashed >> _PART_SHIFT)
    _add(parts.addresses[part], parts.capacities[part], hashed & _LOW, number)
    parts.used[part] += 1


@compiled
def renumber(
    parts: Parts, segments: Segments, feature: np.uint16, identity: np.int64, number: int
) -> None:
    """Let a key that is in the index name another record."""
    part = np.int64(hash_key(feature, identity) >> _PART_SHIFT)
    place = parts.addresses[part] + _place_of(parts, segments, feature, identity) * _PLACE
    tag = (load_long(place) >> _HALF) << _HALF
    store_long(place, tag | np.uint64(number + 1))


@compiled
def erase(parts: Parts, segments: Segments, feature: np.uint16, identity: np.int64) -> None:
    """Take a key that is in the index out of it; those behind it move up."""
    part = np.int64(hash_key(feature, identity) >> _PART_SHIFT)
    start, capacity = parts.addresses[part], parts.capacities[part]
    gap = _place_of(parts, segments, feature, identity)
    place = gap
    while True:
        place = 0 if place + 1 == capacity else place + 1
        held = load_long(start + place * _PLACE)
        if held == _NOTHING:
            break
        home = _home(held >> _HALF, capacity)
        # It may move up if its home is not between the gap and where it is, around the end too.
        if (place - home) % capacity >= (place - gap) % capacity:
            store_long(start + gap * _PLACE, held)
            gap = place
    store_long(start + gap * _PLACE, _NOTHING)
    parts.used[part] -= 1


@compiled
def count_parts(features: UInt16s, ids: Int64s, counts: Int64s) -> None:
    """Add to `counts`, shape (PARTS,), how many of the keys fall into each part."""
    for key in range(len(ids)):
        counts[np.int64(hash_key(features[key], ids[key]) >> _PART_SHIFT)] += 1


@compiled
def rehash(start: int, capacity: int, new_start: int, new_capacity: int) -> None:
    """Copy the places of a part to free ones, of another number."""
    for place in range(capacity):
        held = load_long(start + place * _PLACE)
        if held != _NOTHING:
            _add(new_start, new_capacity, held >> _HALF, np.int64(held & _LOW) - 1)


@compiled
def _home(tag: np.uint64, capacity: Any) -> Any:
    return np.int64((tag * np.uint64(capacity)) >> _HALF)


@compiled
def _add(start: int, capacity: int, tag: np.uint64, number: Any) -> None:
    place = _home(tag, capacity)
    while load_long(start + place * _PLACE) != _NOTHING:
        place = 0 if place + 1 == capacity else place + 1
    store_long(start + place * _PLACE, (tag << _HALF) | np.uint64(number + 1))


@compiled
def _probe(start: int, capacity: int, place: int, tag: np.uint64) -> int:
    """Returns the first place from this one on that has the tag or is free."""
    while True:
        held = load_long(start + place * _PLACE)
        if held == _NOTHING or (held >> _HALF) == tag:
            return place
        place = 0 if place + 1 == capacity else place + 1


@compiled
def _place_of(parts: Parts, segments: Segments, feature: np.uint16, identity: np.int64) -> int:
    """Returns the place of a key, or a free one if it is not in the index."""
    hashed = hash_key(feature, identity)
    part = np.int64(hashed >> _PART_SHIFT)
    start, capacity = parts.addresses[part], parts.capacities[part]
    place = _probe(start, capacity, _home(hashed & _LOW, capacity), hashed & _LOW)
    while True:
        held = load_long(start + place * _PLACE)
        number = np.int64(held & _LOW) - 1
        if held == _NOTHING or is_key(segments, number, feature, identity):
            return place
        place = 0 if place + 1 == capacity else place + 1
        place = _probe(start, capacity, place, hashed & _LOW)
