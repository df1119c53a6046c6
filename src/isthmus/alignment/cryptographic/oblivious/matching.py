"""Finds equal values among many of two parties."""

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Integers
from isthmus.crypto.oblivious.bits import Bytes

_HEAD = 8  # bytes of a value that are sorted by


def match(ours: Bytes, theirs: Bytes) -> tuple[Integers, Integers]:
    """Find equal values.

    Args:
        ours: Our values, all different, shape (rows, bytes), 8 bytes or more.
        theirs: The peer's values, shape (rows, bytes).

    Returns:
        Positions of equal values among ours and among theirs.

    Raises:
        ValueError: A value of ours is met twice among theirs.
    """
    heads, their_heads = _heads(ours), _heads(theirs)
    order = np.argsort(heads)
    ordered = heads[order]
    places = np.searchsorted(ordered, their_heads)
    found = list[tuple[Integers, Integers]]()
    for step in (0, 1):  # two different values of ours may share a head
        inside = np.flatnonzero(places + step < len(ordered))
        hits = inside[ordered[places[inside] + step] == their_heads[inside]]
        rows = order[places[hits] + step]
        same = (ours[rows, _HEAD:] == theirs[hits, _HEAD:]).all(axis=1)
        found.append((rows[same], hits[same]))
    mine, its = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if len(np.unique(mine)) < len(mine):
        raise ValueError("a value is met twice")
    return mine, its


def _heads(values: Bytes) -> NDArray[np.uint64]:
    return np.ascontiguousarray(values[:, :_HEAD]).view(np.uint64).ravel()
