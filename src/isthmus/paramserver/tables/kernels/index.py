"""From keys to numbers of records: open addressing, in parts that grow one at a time.

A place holds 32 bits of the key's hash above the record's number plus 1, or 0 if it is free. The
key itself lies in the record. Eight places make a bucket, a line of the processor's cache, which is
taken from its front. A key lies in the bucket that its bits name, or in the first one after it with
room; so a search ends at a bucket that is not full. Buckets are in the order of these bits, so a
part grows by one pass over it that reads no record.
"""

from typing import Any, NamedTuple

import numpy as np

from isthmus.paramserver.tables.kernels.compiling import compiled
from isthmus.paramserver.tables.kernels.hashing import hash_key
from isthmus.paramserver.tables.kernels.memory import load_long, load_word, prefetch, store_long
from isthmus.paramserver.window import Int64s, UInt16s

PART_BITS = 4
PARTS = 1 << PART_BITS
BLOCK = 64
"""Keys that are looked up side by side, so that their memory arrives together."""

_PLACE = 8  # bytes
_BUCKET = 64  # bytes
_BACK = 56  # where the last place of a bucket is
_WORD = 4
_PART_SHIFT = np.uint64(64 - PART_BITS)
_HALF = np.uint64(32)
_LOW = np.uint64(2**32 - 1)
_NOTHING = np.uint64(0)


class Parts(NamedTuple):
    """Where the places of an index lie; all arrays have shape (PARTS,)."""

    addresses: Int64s
    buckets: Int64s
    """How many it has."""

    used: Int64s
    """How many places are taken."""


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
    buckets = np.empty(BLOCK, np.int64)
    for key in range(len(ids)):
        hashed = hash_key(features[key], ids[key])
        part = np.int64(hashed >> _PART_SHIFT)
        tags[key] = hashed & _LOW
        buckets[key] = parts.addresses[part] + _home(tags[key], parts.buckets[part]) * _BUCKET
        prefetch(buckets[key])
    for key in range(len(ids)):
        found[key] = _number_in(buckets[key], tags[key])
        if found[key] >= 0:
            record = address_of(segments, found[key])
            prefetch(record)
            prefetch(record + 64)
            prefetch(record + segments.size - 1)
    for key in range(len(ids)):
        if found[key] < 0:
            if load_long(buckets[key] + _BACK) == _NOTHING:
                continue
        elif is_key(segments, found[key], features[key], ids[key]):
            continue
        place = _place_of(parts, segments, features[key], ids[key])
        found[key] = np.int64(load_long(place) & _LOW) - 1 if place else -1


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
    _add(parts.addresses[part], parts.buckets[part], hashed & _LOW, np.uint64(number + 1))
    parts.used[part] += 1


@compiled
def renumber(
    parts: Parts, segments: Segments, feature: np.uint16, identity: np.int64, number: int
) -> None:
    """Let a key that is in the index name another record."""
    place = _place_of(parts, segments, feature, identity)
    tag = (load_long(place) >> _HALF) << _HALF
    store_long(place, tag | np.uint64(number + 1))


@compiled
def erase(parts: Parts, segments: Segments, feature: np.uint16, identity: np.int64) -> None:
    """Take a key that is in the index out of it, and fill its place from the buckets behind."""
    part = np.int64(hash_key(feature, identity) >> _PART_SHIFT)
    start, buckets = parts.addresses[part], parts.buckets[part]
    gap = _place_of(parts, segments, feature, identity)
    parts.used[part] -= 1
    bucket = (gap - start) // _BUCKET
    passed = bucket
    while load_long(start + passed * _BUCKET + _BACK) != _NOTHING:
        passed = 0 if passed + 1 == buckets else passed + 1
        place = _displaced(start, buckets, passed, bucket)
        if place:
            store_long(gap, load_long(place))
            gap, bucket = place, passed
    # The last place that is taken in the bucket goes where the gap is.
    last = start + bucket * _BUCKET + _BACK
    while load_long(last) == _NOTHING:
        last -= _PLACE
    store_long(gap, load_long(last))
    store_long(last, _NOTHING)


@compiled
def count_parts(features: UInt16s, ids: Int64s, counts: Int64s) -> None:
    """Add to `counts`, shape (PARTS,), how many of the keys fall into each part."""
    for key in range(len(ids)):
        counts[np.int64(hash_key(features[key], ids[key]) >> _PART_SHIFT)] += 1


@compiled
def rehash(start: int, buckets: int, new_start: int, new_buckets: int) -> None:
    """Copy the places of a part to free ones, of another number."""
    for place in range(start, start + buckets * _BUCKET, _PLACE):
        held = load_long(place)
        if held != _NOTHING:
            _add(new_start, new_buckets, held >> _HALF, held & _LOW)


@compiled
def _home(tag: np.uint64, buckets: Any) -> Any:
    return np.int64((tag * np.uint64(buckets)) >> _HALF)


@compiled
def _number_in(bucket: Any, tag: np.uint64) -> Any:
    """Returns the record's number at the first place of a bucket with this tag, or -1."""
    found = _NOTHING
    for place in range(
        _BACK, -1, -_PLACE
    ):  # without branches: all eight cost less than a wrong guess
        held = load_long(bucket + place)
        found = held if (held >> _HALF) == tag else found
    return np.int64(found & _LOW) - 1


@compiled
def _add(start: int, buckets: int, tag: np.uint64, held: np.uint64) -> None:
    bucket = _home(tag, buckets)
    while load_long(start + bucket * _BUCKET + _BACK) != _NOTHING:
        bucket = 0 if bucket + 1 == buckets else bucket + 1
    place = start + bucket * _BUCKET
    while load_long(place) != _NOTHING:
        place += _PLACE
    store_long(place, (tag << _HALF) | held)


@compiled
def _displaced(start: int, buckets: int, bucket: int, gap: int) -> int:
    """Returns the address of a place in a bucket whose key may as well lie in another, or 0."""
    for place in range(start + bucket * _BUCKET, start + (bucket + 1) * _BUCKET, _PLACE):
        held = load_long(place)
        if held != _NOTHING:
            home = _home(held >> _HALF, buckets)
            if (bucket - home) % buckets >= (bucket - gap) % buckets:
                return place
    return 0


@compiled
def _place_of(parts: Parts, segments: Segments, feature: np.uint16, identity: np.int64) -> Any:
    """Returns the address of a key's place, or 0 if it is not in the index."""
    hashed = hash_key(feature, identity)
    part = np.int64(hashed >> _PART_SHIFT)
    start, buckets = parts.addresses[part], parts.buckets[part]
    bucket = _home(hashed & _LOW, buckets)
    while True:
        first = start + bucket * _BUCKET
        for place in range(first, first + _BUCKET, _PLACE):
            held = load_long(place)
            same = held != _NOTHING and (held >> _HALF) == (hashed & _LOW)
            if same and is_key(segments, np.int64(held & _LOW) - 1, feature, identity):
                return place
        if load_long(first + _BACK) == _NOTHING:
            return np.int64(0)
        bucket = 0 if bucket + 1 == buckets else bucket + 1
