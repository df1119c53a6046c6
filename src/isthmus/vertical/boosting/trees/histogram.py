"""Exact sums of integers by bin: the same in any order of rows and on any machine."""

import numpy as np

from isthmus.core.arrays import Bins, Bools, Integers

_EXACT = 2**53
"""Integers up to this are exact in float64, and so are sums whose partial sums are below it."""


def slots(node: Integers, wanted: Integers) -> Integers:
    """Returns the position of each row's node among the wanted nodes.

    Args:
        node: Node number of each row, shape (rows,).
        wanted: Node numbers, shape (slots,).

    Returns:
        Position in `wanted`, -1 for rows in other nodes; shape (rows,).
    """
    table = np.full(max(node.max(initial=0), wanted.max(initial=0)) + 1, -1, np.int64)
    table[wanted] = np.arange(len(wanted))
    return table[node]


def totals(slot: Integers, count: int, values: Integers) -> Integers:
    """Returns the sums by slot, over all bins.

    Args:
        slot: Slot of each row, in [0, count), shape (rows,).
        count: Number of slots.
        values: Values to sum, shape (kinds, rows); exact, see `sums`.

    Returns:
        Shape (kinds, count).
    """
    every = np.zeros((len(slot), 1), np.int8)
    return sums(every, slot, count, 1, values)[:, :, 0, 0]


def sums(bins: Bins, slot: Integers, count: int, width: int, values: Integers) -> Integers:
    """Returns the sums by slot, column and bin.

    Args:
        bins: Bin of each row in each column, shape (rows, columns); fastest in Fortran order.
        slot: Slot of each row, in [0, count), shape (rows,).
        count: Number of slots.
        width: Number of bins of the result.
        values: Values to sum, shape (kinds, rows).

    Returns:
        Shape (kinds, count, columns, width).

    Raises:
        ValueError: The sums could be too large to be exact.
    """
    if values.size and int(np.abs(values).max()) * values.shape[1] >= _EXACT:
        raise ValueError(f"sums over {values.shape[1]} rows of these integers are not exact")
    totals = np.empty((len(values), count, bins.shape[1], width), np.int64)
    # Every partial sum is exact in float64: see the check above.
    weights = values.astype(np.float64)
    base = slot * width
    for column in range(bins.shape[1]):
        place = base + bins[:, column]
        for kind, weight in enumerate(weights):
            flat = np.bincount(place, weight, count * width)
            totals[kind, :, column] = flat.reshape(count, width)
    return totals


def counts(bins: Bins, slot: Integers, count: int, width: int) -> Integers:
    """Returns the number of rows by slot, column and bin.

    Args:
        bins: Bin of each row in each column, shape (rows, columns); fastest in Fortran order.
        slot: Slot of each row, in [0, count), shape (rows,).
        count: Number of slots.
        width: Number of bins of the result.

    Returns:
        Shape (count, columns, width).
    """
    totals = np.empty((count, bins.shape[1], width), np.int64)
    base = slot * width
    for column in range(bins.shape[1]):
        flat = np.bincount(base + bins[:, column], minlength=count * width)
        totals[:, column] = flat.reshape(count, width)
    return totals


def coarsen(sums: Integers, starts: Bools) -> Integers:
    """Returns the sums by group, each at the bin where its group starts, 0 elsewhere.

    Args:
        sums: Sums by bin, or by a finer grouping, shape (kinds, ..., width).
        starts: Where groups start, shape (..., width); always at bin 0.

    Returns:
        Same shape as `sums`.
    """
    every = np.broadcast_to(starts, sums.shape).ravel()
    grouped = np.zeros(sums.size, np.int64)
    grouped[every] = np.add.reduceat(sums.ravel(), np.flatnonzero(every))
    return grouped.reshape(sums.shape)
