"""Joining neighbouring bins until no sum is over a few rows only.

Whoever learns the sum of one row's gradients by bin learns that row's bin. So a passive party
answers for groups of bins, each with no row or at least `minimum` rows. A pair of siblings has one
grouping: the active party gets the sum of one child by subtracting that of the other from their
parent's, so a group must be large enough in both. For the same reason it must be a union of the
parent's groups.

A grouping is where groups start, shape (codes, width): a group goes on to the next start.
"""

import numpy as np

from isthmus.core.arrays import Bools, Integers
from isthmus.vertical.boosting.trees import histogram


def merge(counts: Integers, starts: Bools, minimum: int) -> Bools:
    """The grouping of one node, or of two siblings.

    From the left, a group ends as soon as it holds rows, and each node has none or enough of them
    in it; the next begins with the next bin that holds rows. What is left over at the end joins the
    groups before it. Depends on nothing but its arguments.

    Args:
        counts: Rows by bin of each node, shape (nodes, ..., codes, width). A node has no row, or
            at least `minimum`.
        starts: Grouping of their parent, or every bin by itself, shape (..., codes, width).
        minimum: Fewest rows of a sum.

    Returns:
        Where groups start, a subset of `starts`, same shape. Every group holds rows, unless no bin
        does.

    Raises:
        ValueError: A node has some rows, but fewer than `minimum`.
    """
    rows = counts.sum(axis=-1)
    if ((rows > 0) & (rows < minimum)).any():
        raise ValueError(f"a node has fewer than {minimum} rows: no sum over it may be told")
    grouped = histogram.coarsen(counts, starts)
    merged = starts & grouped.any(axis=0)
    merged[..., 0] = True
    held = grouped[..., 0]
    for at in range(1, starts.shape[-1]):
        merged[..., at] &= _enough(held, minimum)
        held = np.where(merged[..., at], 0, held) + grouped[..., at]
    return _absorbed(grouped, merged, minimum)


def _enough(rows: Integers, minimum: int) -> Bools:
    """Whether a group holds rows, and each node none or enough of them; nodes come first."""
    enough: Bools = ((rows == 0) | (rows >= minimum)).all(axis=0) & (rows > 0).any(axis=0)
    return enough


def _absorbed(grouped: Integers, starts: Bools, minimum: int) -> Bools:
    """The same groups, but that the last one takes in those before it until it is large enough."""
    held = np.zeros_like(grouped[..., 0])
    short = np.ones(held.shape[1:], np.bool_)
    for at in range(starts.shape[-1] - 1, 0, -1):
        held = held + grouped[..., at]
        short &= ~(starts[..., at] & _enough(held, minimum))
        starts[..., at] &= ~short
    return starts
