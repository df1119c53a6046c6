"""Compression of updates, with error feedback, and updates without the rows that did not move.

A child adds what it left out before to its next update, so that nothing is lost in the long run
(error feedback: Seide et al. 2014; Karimireddy et al. 2019).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isthmus.horizontal.messages import NO_ROWS
from isthmus.horizontal.parameters import Layout, Vector, single
from isthmus.horizontal.privacy.spec import EightBit, TopK
from isthmus.horizontal.tables import Tables, Touched
from isthmus.store.checkpoint import Arrays

RESIDUAL = "compression.residual"
"""Name in the state of a child: what was left out so far."""

_LEVELS = 127  # to either side of zero


class Sparse(NamedTuple):
    """The numbers of an update that are furthest from zero."""

    positions: NDArray[np.uint32]
    """Their positions, rising, shape (kept,)."""

    values: NDArray[np.float32]
    """Their values, shape (kept,)."""


class Coarse(NamedTuple):
    """An update in whole numbers of 8 bits, times one step for each array of the model."""

    steps: NDArray[np.float32]
    """In the order of the layout, shape (arrays,)."""

    levels: NDArray[np.int8]
    """Shape (numbers,): of rows of tables, those that were touched."""

    rows: NDArray[np.uint8] = NO_ROWS
    """Which rows of all tables were touched, a bit for each."""


def compress(
    update: Vector, compression: TopK | EightBit, layout: Layout, state: Arrays, tables: Tables
) -> Sparse | Coarse:
    """Compress an update.

    Args:
        update: Shape (size,).
        compression: What the job says.
        layout: Of the model.
        state: The state of the child between rounds; what is left out is kept in it.
        tables: Of the model.

    Returns:
        The arrays to send.
    """
    residual = state.get(RESIDUAL, np.zeros(layout.size, np.float32))
    due = single(update + residual)
    if isinstance(compression, TopK):
        kept = sparse(due, compression.share)
        state[RESIDUAL] = np.subtract(due, dense(kept, layout.size))
        return kept
    # What was left out of a row waits until the row moves again: else it would count as touched.
    touched = tables.touched(update)
    chosen = tables.numbers(touched)
    rounded = coarse(single(np.where(chosen, due, 0)), layout)
    state[RESIDUAL] = np.where(chosen, due - fine(rounded, layout), residual)
    return rounded._replace(levels=rounded.levels[chosen], rows=packed(touched))


def packed(touched: Touched) -> NDArray[np.uint8]:
    """Returns a bit for each row of tables, shape (rows / 8,)."""
    return np.packbits(touched)


def unpacked(rows: NDArray[np.uint8], tables: Tables) -> Touched:
    """Which rows `packed` was given.

    Args:
        rows: What arrived.
        tables: Of the model.

    Returns:
        Shape (rows,).

    Raises:
        ValueError: It does not have as many bits.
    """
    if rows.shape != (-(-tables.rows // 8),):
        raise ValueError(f"{rows.shape} bytes do not fit the {tables.rows} rows of its tables")
    return np.unpackbits(rows, count=tables.rows).astype(np.bool_)


def widened(found: Coarse, layout: Layout, tables: Tables) -> Coarse:
    """Levels of all numbers, of which only those of touched rows were sent.

    Args:
        found: What arrived.
        layout: Of the model.
        tables: Likewise.

    Returns:
        The same with zeros in all other rows.

    Raises:
        ValueError: There is not one level for each number of a touched row.
    """
    chosen = tables.numbers(unpacked(found.rows, tables))
    if found.levels.shape != (int(chosen.sum()),):
        raise ValueError(f"{found.levels.shape} levels do not fit the encoder")
    levels = np.zeros(layout.size, np.int8)
    levels[chosen] = found.levels
    return found._replace(levels=levels)


def sparse(update: Vector, share: float) -> Sparse:
    """The numbers of an update that are furthest from zero.

    Args:
        update: Shape (size,), size >= 1.
        share: Of the numbers that are kept, at least one.

    Returns:
        Their positions and values.

    Source:
        Aji and Heafield 2017 (EMNLP), "Sparse communication for distributed gradient descent".
    """
    kept = max(1, math.ceil(share * len(update)))
    positions = np.sort(np.argpartition(np.abs(update), -kept)[-kept:])
    return Sparse(positions.astype(np.uint32), update[positions])


def dense(found: Sparse, size: int) -> Vector:
    """The update that `sparse` kept something of; zero elsewhere.

    Args:
        found: What arrived.
        size: Numbers of an update.

    Returns:
        Shape (size,).

    Raises:
        ValueError: Positions do not rise, are beyond the size, or are not one for each value.
    """
    positions, values = found
    if positions.ndim != 1 or positions.shape != values.shape:
        raise ValueError(f"{positions.shape} positions were given for {values.shape} values")
    rising = bool((positions[1:] > positions[:-1]).all())
    if not rising or (len(positions) and positions[-1] >= size):
        raise ValueError(f"positions do not rise, or are beyond the {size} of the encoder")
    update = np.zeros(size, np.float32)
    update[positions] = values
    return update


def coarse(update: Vector, layout: Layout) -> Coarse:
    """An update in whole numbers of 8 bits, each rounded to the nearest.

    Args:
        update: Shape (size,).
        layout: Says which numbers share a step: those of one array.

    Returns:
        Steps and levels.
    """
    arrays = [it.ravel() for _, it in sorted(layout.to_parameters(update).items())]
    steps = [np.float32(np.abs(it).max(initial=0.0) / _LEVELS) for it in arrays]
    levels = [
        np.rint(it / step if step else it * 0).astype(np.int8)
        for it, step in zip(arrays, steps, strict=True)
    ]
    return Coarse(np.array(steps, np.float32), np.concatenate([np.empty(0, np.int8), *levels]))


def fine(found: Coarse, layout: Layout) -> Vector:
    """The update that `coarse` was given, about.

    Args:
        found: What arrived.
        layout: Of the model.

    Returns:
        Shape (size,).

    Raises:
        ValueError: There is not one step for each array or not one level for each number, or these
            give numbers that are not finite.
    """
    steps, levels, _ = found
    sizes = [math.prod(shape) for _, shape in layout.shapes]
    if steps.shape != (len(sizes),) or levels.shape != (layout.size,):
        raise ValueError(f"{steps.shape} steps and {levels.shape} levels do not fit the encoder")
    with np.errstate(over="ignore"):
        update = single(np.repeat(steps, sizes) * levels)
    if not np.isfinite(update).all():
        raise ValueError("its numbers are too large")
    return update
