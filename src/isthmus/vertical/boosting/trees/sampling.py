"""Which rows and which codes a tree is grown on.

The generator must be the active party's own where rows are drawn by their gradients: who could
repeat its draws could tell the rows with large gradients from those drawn at random.
"""

import math
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.core.errors import JobError
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees.tree import CodeBook


@dataclass(frozen=True)
class Drawn:
    """Rows of a tree."""

    rows: Integers
    """Positions, ascending, shape (drawn,)."""

    factor: Floats
    """What the gradients of each count for, shape (drawn,)."""


def draw_rows(gradient: Floats, spec: Boosting, generator: np.random.Generator) -> Drawn:
    """Draw the rows that a tree is grown on.

    Args:
        gradient: Gradient of each training row, shape (rows,).
        spec: Says how.
        generator: Source of chance.

    Returns:
        The rows; with goss the rest counts for all the rows it stands for, and a row that a
        forest draws twice counts twice.

    Source:
        Ke et al. 2017 (LightGBM), algorithm 2, for goss; Breiman 2001 for forests.
    """
    rows = len(gradient)
    if spec.forest:
        times = np.bincount(generator.integers(rows, size=_count(rows, spec.row_share)))
        drawn = np.flatnonzero(times)
        return Drawn(drawn, times[drawn].astype(np.float64))
    if spec.sampling == "goss":
        return _goss(gradient, spec, generator)
    if spec.sampling == "uniform":
        drawn = np.sort(generator.choice(rows, _count(rows, spec.row_share), replace=False))
        return Drawn(drawn, np.ones(len(drawn)))
    return Drawn(np.arange(rows), np.ones(rows))


def _goss(gradient: Floats, spec: Boosting, generator: np.random.Generator) -> Drawn:
    rows = len(gradient)
    shuffled = generator.permutation(rows)  # so that chance decides among equal gradients
    order = shuffled[np.argsort(-np.abs(gradient[shuffled]), kind="stable")]
    top = _count(rows, spec.top_share)
    rest = generator.permutation(order[top:])[: _count(rows, spec.other_share)]
    factor = np.zeros(rows)
    factor[order[:top]] = 1.0
    factor[rest] = (rows - top) / max(len(rest), 1)
    drawn = np.flatnonzero(factor)
    return Drawn(drawn, factor[drawn])


def tree_rows(rows: int, spec: Boosting) -> int:
    """How many rows a tree is grown on: `draw_rows` draws so many, of a forest about so many.

    Args:
        rows: Rows to train on.
        spec: Says how they are drawn.

    Returns:
        The number of different rows.
    """
    if spec.forest:  # with replacement
        return max(1, round(rows * (1 - math.exp(-spec.row_share))))
    if spec.sampling == "goss":
        return min(rows, _count(rows, spec.top_share) + _count(rows, spec.other_share))
    return _count(rows, spec.row_share) if spec.sampling == "uniform" else rows


def draw_codes(
    book: CodeBook, spec: Boosting, generator: np.random.Generator, *, local: bool
) -> Integers:
    """Draw the codes that a tree may split on.

    Args:
        book: Facts about all codes.
        spec: Says how many.
        generator: Source of chance.
        local: Whether only the active party's codes take part.

    Returns:
        Codes, ascending, shape (drawn,); at least one.

    Raises:
        JobError: There is none to draw from.
    """
    eligible = np.flatnonzero(book.owner == 0) if local else np.arange(len(book))
    if len(eligible) == 0:
        raise JobError(
            "`boosting.local_trees` grows trees on the active party's columns, and it has none. "
            "Set it to 0."
        )
    return np.sort(
        generator.choice(eligible, _count(len(eligible), spec.code_share), replace=False)
    )


def hold_out(rows: int, share: float, generator: np.random.Generator) -> Bools:
    """Choose the rows that only watch the loss.

    Args:
        rows: How many rows there are.
        share: Which share of them to keep back.
        generator: Source of chance.

    Returns:
        Whether a row is kept back, shape (rows,).
    """
    held = np.zeros(rows, np.bool_)
    held[generator.permutation(rows)[: round(rows * share)]] = True
    return held


def _count(items: int, share: float) -> int:
    return max(1, round(items * share))
