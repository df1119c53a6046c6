"""Sampling of the rows and codes of a tree.

In joint training the generator has a secret seed of the active party: a party that could repeat
the draws would learn which rows have large gradients, or could try labels until the draws fit.
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
    """The sampled rows of a tree."""

    rows: Integers
    """Positions, ascending, shape (drawn,)."""

    factor: Floats
    """Factor of each row's gradients, shape (drawn,)."""


def draw_rows(gradient: Floats, spec: Boosting, generator: np.random.Generator) -> Drawn:
    """Draw the rows that a tree is grown on.

    Args:
        gradient: Gradient of each training row, shape (rows,).
        spec: The `[boosting]` table.
        generator: Random generator.

    Returns:
        The rows. With goss, the rows drawn at random get a factor that makes up for those not
        drawn; a row that a forest draws twice has the factor 2.

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
    shuffled = generator.permutation(rows)  # so that ties are broken at random
    order = shuffled[np.argsort(-np.abs(gradient[shuffled]), kind="stable")]
    top = _count(rows, spec.top_share)
    rest = generator.permutation(order[top:])[: _count(rows, spec.other_share)]
    factor = np.zeros(rows)
    factor[order[:top]] = 1.0
    factor[rest] = (rows - top) / max(len(rest), 1)
    drawn = np.flatnonzero(factor)
    return Drawn(drawn, factor[drawn])


def tree_rows(rows: int, spec: Boosting) -> int:
    """Returns the number of rows that `draw_rows` draws; for a forest the expected number.

    Args:
        rows: Number of training rows.
        spec: The `[boosting]` table.

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
        spec: The `[boosting]` table.
        generator: Random generator.
        local: Whether to draw from the active party's codes only.

    Returns:
        Codes, ascending, shape (drawn,); at least one.

    Raises:
        JobError: There is no code to draw from.
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
    """Draw the held-out rows, which measure the validation loss.

    Args:
        rows: Number of rows.
        share: Share of rows to hold out.
        generator: Random generator.

    Returns:
        Whether a row is held out, shape (rows,).
    """
    held_out = np.zeros(rows, np.bool_)
    held_out[generator.permutation(rows)[: round(rows * share)]] = True
    return held_out


def _count(items: int, share: float) -> int:
    return max(1, round(items * share))
