"""A key-value store in which each row's value is the sum of a few slots of a table.

They are three slots that the row's hash names, and those of 64 more slots whose bits its hash has.
The table is as long as there are rows, and a quarter more. It is never sent but under a random
stream, which hides it: slots that no row needs are zero.

Source: Raghuraman and Rindal 2022, "Blazing fast PSI from improved OKVS and subfield VOLE", section
4 (weight 3, 64 dense slots in place of their binary band; sizes by their equations for a failure
below 2^-40, and 2% more). OKVS: oblivious key-value store.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Integers
from isthmus.crypto.oblivious.bits import LinearMap, Words, as_bytes, as_items, from_items

DENSE = 64
"""Slots whose bits a row's hash has."""

_WEIGHT = 3
_MOST_UNPEELED = 4096  # rows that are left to be solved: a handful, or something is wrong
_HASHED_AT_ONCE = 65_536
_PART = 16_384  # rows at a time: what is looked up stays in the cache of the processor
_ONE = np.int64(1 << 40)  # a slot's count of rows stands above the sum of their numbers


class Unsolvable(Exception):  # noqa: N818 - no mistake of anybody: it is tried again
    """The rows have no table, which happens once in 2^40 attempts: another seed will have one."""


@dataclass(frozen=True)
class HashedRows:
    """Where the value of each row is found, and the value that it has at the one who fills it."""

    slots: NDArray[np.int32]
    """Three slots of each row, one in each third of the table, shape (3, rows)."""

    dense: NDArray[np.uint64]
    """Bits for the dense slots, shape (rows,)."""

    value: NDArray[np.uint64]
    """Shape (rows,)."""

    sparse: int
    """Slots of the table before the dense ones."""

    def __len__(self) -> int:
        return len(self.value)

    def take(self, rows: Integers | slice) -> Self:
        """Returns these rows, in this order."""
        return replace(
            self, slots=self.slots[:, rows], dense=self.dense[rows], value=self.value[rows]
        )


def length(rows: int) -> int:
    """Returns the slots of the table for so many rows."""
    return _WEIGHT * _third(rows) + DENSE


def hashed(identifiers: Sequence[bytes], seed: bytes, rows: int) -> HashedRows:
    """Hash identifiers to places of a table, and to values.

    Args:
        identifiers: The identifiers.
        seed: 32 bytes of this attempt alone, which both parties have.
        rows: Number of rows that the table is made for.

    Returns:
        Their hashes.
    """
    fresh = hashlib.blake2b(digest_size=32, key=seed, person=b"isthmus rows").copy
    digests = bytearray()
    for start in range(0, len(identifiers), _HASHED_AT_ONCE):
        part = list[bytes]()
        for identifier in identifiers[start : start + _HASHED_AT_ONCE]:
            state = fresh()
            state.update(identifier)
            part.append(state.digest())
        digests += b"".join(part)
    words, third = np.frombuffer(digests, np.uint64).reshape(-1, 4), _third(rows)
    segment = np.uint64(third)
    slots = np.empty((_WEIGHT, len(words)), np.int32)
    draws = words[:, 2:].copy().view(np.uint32).reshape(-1, 4)
    for each in range(_WEIGHT):
        drawn = draws[:, each].astype(np.uint64) * segment >> np.uint64(32)
        slots[each] = drawn + np.uint64(each) * segment
    return HashedRows(slots, words[:, 1].copy(), words[:, 0].copy(), _WEIGHT * third)


def filled(rows: HashedRows) -> NDArray[np.uint64]:
    """Fill a table, so that the value of each row is found in it.

    Args:
        rows: The rows, of which no two have the same hash.

    Returns:
        The table, shape (length,).

    Raises:
        Unsolvable: There is none.
    """
    layers, unpeeled = _peel(rows)
    sparse = rows.sparse
    table = np.zeros(sparse + DENSE, np.uint64)
    values = rows.value
    if unpeeled.size:
        _solve(rows, unpeeled, table)
        values = values ^ _dense_sums(rows.dense, table[sparse:])
    for items, pins in reversed(layers):
        value = values[items]
        for each in range(_WEIGHT):
            value ^= table[rows.slots[each, items]]
        table[pins] = value
    return table


def looked_up(table: Words, rows: HashedRows, more: LinearMap | None = None) -> Words:
    """Add up each row's slots of a table of wide items.

    Args:
        table: Shape (slots, 2).
        rows: The rows; their hashes are for a table of this length or a shorter one.
        more: A map of a row's value, which is added; None to add nothing.

    Returns:
        The sums, shape (rows, 2).
    """
    items, last = as_items(table), table[rows.sparse : rows.sparse + DENSE]
    dense = LinearMap([int(low) | int(high) << 64 for low, high in last])
    sums = np.empty((len(rows), 2), np.uint64)
    for start in range(0, len(rows), _PART):
        part = rows.take(slice(start, start + _PART))
        target = sums[start : start + _PART]
        target[:] = from_items(items[part.slots[0]])
        for each in range(1, _WEIGHT):
            target ^= from_items(items[part.slots[each]])
        dense.add(as_bytes(part.dense), target)
        if more is not None:
            more.add(as_bytes(part.value), target)
    return sums


def _third(rows: int) -> int:
    """Returns the slots of a third of the table, without the dense ones, for so many rows."""
    n, weight = max(rows, 8), math.log2(_WEIGHT)
    # Equations of the source for the expansion that fails with 2^-40, for weight 3.
    exponent = 0.555 * math.log2(n) + 0.093 * weight**3 - 1.01 * weight**2 + 2.925 * weight - 0.133
    expansion = 1.223 + 49.2 / 2**exponent + 0.02
    return -(-int(n * expansion) // _WEIGHT)


def _peel(rows: HashedRows) -> tuple[list[tuple[NDArray[np.int32], NDArray[np.int32]]], Integers]:
    """Find rows that alone have a slot, then those that alone have one among the rest, and so on.

    Args:
        rows: The rows.

    Returns:
        Layers of rows with the slot that is theirs alone, and the rows that are left.
    """
    # One word a slot: how many rows it has, and below it the sum of their numbers, so the number
    # itself once a single one is left.
    held, segment = np.empty(rows.sparse, np.int64), rows.sparse // _WEIGHT
    numbers = np.arange(len(rows), dtype=np.float64) + float(_ONE)
    for each in range(_WEIGHT):
        at = slice(each * segment, (each + 1) * segment)
        # Sums of float64, exact below 2^53: no slot has thousands of rows.
        held[at] = np.bincount(rows.slots[each] - at.start, weights=numbers, minlength=segment)
    left, layers = np.ones(len(rows), np.bool_), list[tuple[NDArray[np.int32], NDArray[np.int32]]]()
    owner, mark = np.empty(len(rows), np.int32), np.empty(rows.sparse, np.int32)
    front = np.flatnonzero(held >> 40 == 1).astype(np.int32)
    while front.size:
        items = (held[front] ^ _ONE).astype(np.int32)
        once = _first_of_each(items, owner)  # a row may be alone in several slots
        items, pins = items[once], front[once]
        layers.append((items, pins))
        left[items] = False
        front = _take_away(rows, items, held)
        front = front[_first_of_each(front, mark)]
    return layers, np.flatnonzero(left)


def _take_away(rows: HashedRows, items: NDArray[np.int32], held: Integers) -> NDArray[np.int32]:
    """Take rows out of their slots; returns the slots that have a single one left, some twice."""
    alone = list[NDArray[np.int32]]()
    for each in range(_WEIGHT):
        slots = rows.slots[each, items]
        np.subtract.at(held, slots, items + _ONE)
        alone.append(slots[held[slots] >> 40 == 1])
    return np.concatenate(alone)


def _first_of_each(numbers: NDArray[np.int32], scratch: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Returns where each number is met once; `scratch` has a place for every number."""
    order = np.arange(len(numbers), dtype=np.int32)
    scratch[numbers] = order
    met: NDArray[np.bool_] = scratch[numbers] == order
    return met


def _dense_sums(dense: NDArray[np.uint64], table: NDArray[np.uint64]) -> NDArray[np.uint64]:
    sums = np.zeros((len(dense), 2), np.uint64)
    LinearMap([int(slot) for slot in table]).add(as_bytes(dense), sums)
    return sums[:, 0]


def _solve(rows: HashedRows, unpeeled: Integers, table: NDArray[np.uint64]) -> None:
    """Solve for the few rows that do not peel, in their sparse slots and the dense ones (Gauss).

    Args:
        rows: All rows.
        unpeeled: Positions of those that do not peel.
        table: Where the values of the slots go.

    Raises:
        Unsolvable: They contradict each other.
    """
    if unpeeled.size > _MOST_UNPEELED:
        raise Unsolvable
    sparse = np.unique(rows.slots[:, unpeeled]).tolist()
    names = [*range(rows.sparse, rows.sparse + DENSE), *sparse]  # slot of each unknown
    unknown = {slot: place for place, slot in enumerate(names)}
    pivots = dict[int, tuple[int, int]]()
    for row in unpeeled.tolist():
        left, right = int(rows.dense[row]), int(rows.value[row])
        for slot in rows.slots[:, row].tolist():
            left ^= 1 << unknown[slot]
        _eliminate(left, right, pivots)
    solution = dict[int, int]()
    for top in sorted(pivots):  # lowest pivot first: all other bits of its row are lower
        left, right = pivots[top]
        for place in _bits(left ^ 1 << top):
            right ^= solution.get(place, 0)
        solution[top] = right
    for place, value in solution.items():
        table[names[place]] = value


def _eliminate(left: int, right: int, pivots: dict[int, tuple[int, int]]) -> None:
    while left:
        top = left.bit_length() - 1
        if top not in pivots:
            pivots[top] = left, right
            return
        left, right = left ^ pivots[top][0], right ^ pivots[top][1]
    if right:
        raise Unsolvable


def _bits(number: int) -> Iterator[int]:
    while number:
        top = number.bit_length() - 1
        yield top
        number ^= 1 << top
