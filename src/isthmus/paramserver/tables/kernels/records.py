"""Records of rows: a head of words, then the row's numbers.

| word | what                                                                     |
|------|--------------------------------------------------------------------------|
| 0, 1 | id; in a free record, the number of the next free one plus 1             |
| 2, 3 | samples of the run when the key was pulled last, 48 bits; feature above  |
| 4    | samples with the key; FREE in a free record                              |
| 5    | mark of the last change                                                  |
| 6    | score, if the table keeps scores                                         |
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.tables.kernels.compiling import compiled
from isthmus.paramserver.tables.kernels.index import (
    BLOCK,
    Parts,
    Segments,
    address_of,
    erase,
    find_block,
    insert,
    renumber,
)
from isthmus.paramserver.tables.kernels.memory import (
    copy,
    load_float,
    load_long,
    load_word,
    store_float,
    store_long,
    store_word,
)
from isthmus.paramserver.window import Bools, Float32s, Int32s, Int64s, UInt16s

HEAD = 6
"""Words of a head without a score."""

_SEEN = 8
_COUNT = 16
_MARK = 20
_SCORE = 24
_FREE = np.uint32(2**32 - 1)
_MOST = 2**32 - 2
_LAST = np.uint64(2**48 - 1)
_FEATURE_SHIFT = np.uint64(48)

KeyArrays = tuple[UInt16s, Int64s]


class Entries(NamedTuple):
    """Heads of records as arrays."""

    counts: Int64s
    scores: Float32s
    last: Int64s
    changed: Int32s


class Counting(NamedTuple):
    """A pull: it changes the heads of what it reads."""

    occurrences: Int32s
    """Empty if the pull is only to read."""

    clock: int
    mark: int
    half_lives: NDArray[np.float64]
    """By feature; empty if there are no scores."""


class Limits(NamedTuple):
    """Rules of eviction by feature."""

    evict_after: Int64s
    """-1 if there is none."""

    minimum_scores: NDArray[np.float64]
    """0 if there is none."""

    half_lives: NDArray[np.float64]


class Pool(NamedTuple):
    """Which records are taken."""

    state: Int64s
    """First free record plus 1; number of records up to the last that was ever taken; free ones."""

    base: int
    """Number of the first record."""


@compiled
def fetch(
    index: tuple[Parts, Segments],
    keys: KeyArrays,
    counting: Counting,
    rows: Float32s,
    found: Int64s,
    head: int,
) -> None:
    """Look up keys and copy their rows; `found` gets record numbers, -1 where there is none.

    Args:
        index: Where everything lies.
        keys: The keys.
        counting: How the records change by it.
        rows: Shape (keys, width); gets zeros where there is no row.
        found: Shape (keys,).
        head: Words before a row.
    """
    parts, segments = index
    size = 4 * rows.shape[1]
    target = rows.ctypes.data
    for start in range(0, len(found), BLOCK):
        stop = min(start + BLOCK, len(found))
        find_block(parts, segments, keys[0][start:stop], keys[1][start:stop], found[start:stop])
        for key in range(start, stop):
            if found[key] >= 0:
                record = address_of(segments, found[key])
                if len(counting.occurrences):
                    _touch(record, counting, counting.occurrences[key])
                copy(target + key * size, record + 4 * head, size)
            else:
                rows[key] = 0


@compiled
def make(
    index: tuple[Parts, Segments], pool: Pool, keys: KeyArrays, numbers: Int64s, head: int
) -> None:
    """Take a record for each of some keys that have none; there are enough."""
    parts, segments = index
    for key in range(len(numbers)):
        number = _take(segments, pool)
        record = address_of(segments, number)
        store_long(record, np.uint64(keys[1][key]))
        store_long(record + _SEEN, np.uint64(keys[0][key]) << _FEATURE_SHIFT)
        store_long(record + _COUNT, np.uint64(0))  # and the mark
        if head > HEAD:
            store_float(record + _SCORE, np.float32(0))
        insert(parts, keys[0][key], keys[1][key], number)
        numbers[key] = number


@compiled
def write(segments: Segments, numbers: Int64s, entries: Entries, head: int) -> None:
    """Set the heads of records, but for their keys."""
    for at in range(len(numbers)):
        record = address_of(segments, numbers[at])
        _set_last(record, entries.last[at])
        store_word(record + _COUNT, np.uint32(min(int(entries.counts[at]), _MOST)))
        store_word(record + _MARK, np.uint32(entries.changed[at]))
        if head > HEAD:
            store_float(record + _SCORE, entries.scores[at])


@compiled
def put(segments: Segments, numbers: Int64s, rows: Float32s, mark: int, head: int) -> None:
    """Set the rows of records, and the mark of their change; those of number -1 are left out."""
    size = 4 * rows.shape[1]
    source = rows.ctypes.data
    for at in range(len(numbers)):
        if numbers[at] >= 0:
            record = address_of(segments, numbers[at])
            store_word(record + _MARK, np.uint32(mark))
            copy(record + 4 * head, source + at * size, size)


@compiled
def read(
    segments: Segments,
    numbers: Int64s,
    keys: KeyArrays,
    entries: Entries,
    rows: Float32s,
    head: int,
) -> None:
    """Copy records into arrays."""
    size = 4 * rows.shape[1]
    target = rows.ctypes.data
    for at in range(len(numbers)):
        record = address_of(segments, numbers[at])
        seen = load_long(record + _SEEN)
        keys[0][at] = np.uint16(seen >> _FEATURE_SHIFT)
        keys[1][at] = np.int64(load_long(record))
        entries.last[at] = np.int64(seen & _LAST)
        entries.counts[at] = load_word(record + _COUNT)
        entries.changed[at] = np.int32(load_word(record + _MARK))
        entries.scores[at] = load_float(record + _SCORE) if head > HEAD else np.float32(0)
        copy(target + at * size, record + 4 * head, size)


@compiled
def read_last(segments: Segments, numbers: Int64s, last: Int64s) -> None:
    """Read when the keys of records were pulled last."""
    for at in range(len(numbers)):
        last[at] = np.int64(load_long(address_of(segments, numbers[at]) + _SEEN) & _LAST)


@compiled
def taken(segments: Segments, start: int, stop: int, since: int, numbers: Int64s) -> int:
    """Find records that are not free and changed at marks above `since`; returns how many."""
    found = 0
    for number in range(start, stop):
        record = address_of(segments, number)
        if load_word(record + _COUNT) != _FREE and (
            np.int64(np.int32(load_word(record + _MARK))) > since
        ):
            numbers[found] = number
            found += 1
    return found


@compiled
def over(segments: Segments, numbers: Int64s, limits: Limits, clock: int, chosen: Bools) -> None:
    """Find records to evict: `chosen` is true for them."""
    for at in range(len(numbers)):
        record = address_of(segments, numbers[at])
        seen = load_long(record + _SEEN)
        feature = np.int64(seen >> _FEATURE_SHIFT)
        age = clock - np.int64(seen & _LAST)
        chosen[at] = 0 <= limits.evict_after[feature] < age
        if limits.minimum_scores[feature] > 0:
            score = load_float(record + _SCORE) * 0.5 ** (age / limits.half_lives[feature])
            chosen[at] |= score < limits.minimum_scores[feature]
        if np.int64(load_long(record)) < 0:  # DEFAULT
            chosen[at] = False


@compiled
def release(index: tuple[Parts, Segments], pool: Pool, numbers: Int64s) -> None:
    """Take records' keys out of the index, and let others have the records."""
    parts, segments = index
    for at in range(len(numbers)):
        record = address_of(segments, numbers[at])
        feature = np.uint16(load_long(record + _SEEN) >> _FEATURE_SHIFT)
        erase(parts, segments, feature, np.int64(load_long(record)))
        _give(segments, pool, numbers[at])


@compiled
def move(index: tuple[Parts, Segments], source: Pool, target: Pool, numbers: Int64s) -> None:
    """Copy records from one pool to another, which has room, and let the index name the copies."""
    parts, segments = index
    for at in range(len(numbers)):
        record = address_of(segments, numbers[at])
        number = _take(segments, target)
        copy(address_of(segments, number), record, segments.size)
        feature = np.uint16(load_long(record + _SEEN) >> _FEATURE_SHIFT)
        renumber(parts, segments, feature, np.int64(load_long(record)), number)
        _give(segments, source, numbers[at])


@compiled
def shorten(segments: Segments, pool: Pool, records: int) -> None:
    """Forget the records of a pool from a number on, which all are free."""
    kept = np.int64(0)
    free = np.int64(0)
    number = pool.state[0]
    while number:
        record = address_of(segments, number - 1)
        following = np.int64(load_word(record))
        if number - 1 < pool.base + records:
            store_word(record, np.uint32(kept))
            kept = number
            free += 1
        number = following
    pool.state[0] = kept
    pool.state[1] = min(pool.state[1], records)
    pool.state[2] = free


@compiled
def _touch(record: int, counting: Counting, occurrences: np.int32) -> None:
    seen = load_long(record + _SEEN)
    if len(counting.half_lives):
        age = np.float64(counting.clock - np.int64(seen & _LAST))
        fading = 0.5 ** (age / counting.half_lives[np.int64(seen >> _FEATURE_SHIFT)])
        score = np.float64(load_float(record + _SCORE)) * fading + occurrences
        store_float(record + _SCORE, np.float32(score))
    count = np.int64(load_word(record + _COUNT)) + occurrences
    store_word(record + _COUNT, np.uint32(min(int(count), _MOST)))
    store_word(record + _MARK, np.uint32(counting.mark))
    _set_last(record, counting.clock)


@compiled
def _set_last(record: int, clock: int) -> None:
    seen = load_long(record + _SEEN)
    store_long(record + _SEEN, (seen & ~_LAST) | (np.uint64(clock) & _LAST))


@compiled
def _take(segments: Segments, pool: Pool) -> Any:
    number = pool.state[0] - 1
    if number >= 0:
        pool.state[0] = load_word(address_of(segments, number))
        pool.state[2] -= 1
        return number
    number = pool.base + pool.state[1]
    pool.state[1] += 1
    return number


@compiled
def _give(segments: Segments, pool: Pool, number: int) -> None:
    record = address_of(segments, number)
    store_word(record, np.uint32(pool.state[0]))
    store_word(record + _COUNT, _FREE)
    pool.state[0] = number + 1
    pool.state[2] += 1
