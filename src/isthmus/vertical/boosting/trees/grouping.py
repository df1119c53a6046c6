"""Grouping: neighbouring bins are merged until no sum is over a few rows only.

A sum over the rows of a bin reveals the bin of a row if it is over that row alone. So a passive
party sends sums over groups of bins, each with no row or at least `minimum` rows. A pair of
siblings has one grouping: the active party subtracts the sum of one child from that of the parent
to get that of the other, so a group must be large enough in both. For the same reason a group must
be a union of the parent's groups.

A grouping is an array of where groups start, shape (codes, width): a group ends at the next start.
"""

import numpy as np

from isthmus.core.arrays import Bools, Integers
from isthmus.vertical.boosting.trees import histogram


def merge(counts: Integers, starts: Bools, minimum: int) -> Bools:
    """Find the grouping of one node, or of two siblings.

    From the left, a group ends as soon as it has rows, and each node has either none or enough of
    them in it; the next group starts with the next bin that has rows. Rows that are left over at
    the end are added to the groups before. The result depends only on the arguments.

    Args:
        counts: Rows by bin of each node, shape (nodes, ..., codes, width). A node has no row, or
            at least `minimum`.
        starts: Grouping of their parent, or every bin by itself, shape (..., codes, width).
        minimum: Fewest rows of a sum.

    Returns:
        Where groups start, a subset of `starts`, same shape. Every group has rows, unless no bin
        has.

    Raises:
        ValueError: A node has some rows, but fewer than `minimum`.
    """
    rows = counts.sum(axis=-1)
    if ((rows > 0) & (rows < minimum)).any():
        raise ValueError(f"a node has fewer than {minimum} rows: no sum over it may be told")
    grouped = histogram.coarsen(counts, starts)
    merged = starts & grouped.any(axis=0)
    merged[..., 0] = True
    in_group = grouped[..., 0]
    for at in range(1, starts.shape[-1]):
        merged[..., at] &= _enough(in_group, minimum)
        in_group = np.where(merged[..., at], 0, in_group) + grouped[..., at]
    return _with_large_last(grouped, merged, minimum)


def _enough(rows: Integers, minimum: int) -> Bools:
    """Returns whether a group has rows, and each node (first axis) none or enough of them."""
    enough: Bools = ((rows == 0) | (rows >= minimum)).all(axis=0) & (rows > 0).any(axis=0)
    return enough


def _with_large_last(grouped: Integers, starts: Bools, minimum: int) -> Bools:
    """Merge the last group with those before it until it is large enough."""
    in_group = np.zeros_like(grouped[..., 0])
    short = np.ones(in_group.shape[1:], np.bool_)
    for at in range(starts.shape[-1] - 1, 0, -1):
        in_group = in_group + grouped[..., at]
        short &= ~(starts[..., at] & _enough(in_group, minimum))
        starts[..., at] &= ~short
    return starts
