"""Functions of both roles: blocks of rows, and checks of the points of the other party."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.core.errors import PeerError
from isthmus.crypto.curve import POINT_BYTES, BlindingKey

Points = NDArray[np.void]
"""Encoded points, shape (rows,), one item of `POINT_BYTES` each."""


@dataclass(frozen=True)
class Block:
    """One round: a block of our rows and one of the peer's."""

    ours: slice
    """Our rows."""

    theirs: int
    """Number of the peer's rows."""

    done: int
    """Number of rows of both parties up to the end of this block."""


def blocks(ours: int, theirs: int, size: int) -> Iterator[Block]:
    """Yields rounds of at most `size` rows of each party, until all rows of both are in one."""
    for start in range(0, max(ours, theirs), size):
        stop = start + size
        yield Block(
            ours=slice(start, stop),
            theirs=max(0, min(stop, theirs) - start),
            done=min(stop, ours) + min(stop, theirs),
        )


def check_points(points: bytes, rows: int, peer: str) -> bytes:
    """Check that a block has one point per row.

    Args:
        points: The points that the peer sent.
        rows: The number of rows of the block.
        peer: Name of the peer.

    Returns:
        The points.

    Raises:
        PeerError: There are more or fewer points than rows.
    """
    if len(points) != rows * POINT_BYTES:
        raise PeerError(
            f"{peer!r} sent {len(points)} bytes of points where {rows} rows were due, which are "
            f"{rows * POINT_BYTES}. Compare `isthmus version` on both sides."
        )
    return points


def blind(key: BlindingKey, points: bytes, peer: str) -> bytes:
    """Multiply the peer's points by our key.

    Args:
        key: Our key.
        points: The points that the peer sent.
        peer: Name of the peer.

    Returns:
        The points under both keys, in the same order.

    Raises:
        PeerError: A point is not valid.
    """
    try:
        return key.blind_points(points)
    except ValueError:
        raise PeerError(
            f"{peer!r} sent bytes that are not points of ristretto255, so this is not the "
            "protocol that the job names. Do not go on: ask them which version they run."
        ) from None


def distinct(parts: Sequence[bytes], peer: str) -> Points:
    """Concatenate blocks of points, and check that all points are different.

    Args:
        parts: The blocks.
        peer: Name of the peer that sent the points.

    Returns:
        All points, in order.

    Raises:
        PeerError: A point occurs twice: an identifier occurs twice, or the peer cheats.
    """
    points = np.frombuffer(b"".join(parts), np.dtype((np.void, POINT_BYTES)))
    different = len(np.unique(points))
    if different < len(points):
        raise PeerError(
            f"{peer!r} sent {len(points)} points of which only {different} differ, as if an "
            "identifier occurred twice. Do not go on: ask them how they prepared their rows."
        )
    return points
