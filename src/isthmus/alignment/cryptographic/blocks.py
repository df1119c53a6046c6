"""Functions of both roles: secret orders, blocks of rows, and checks of received messages."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.alignment.cryptographic.messages import RowCount
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.core.arrays import Integers
from isthmus.core.errors import JobError, PeerError
from isthmus.crypto.curve import POINT_BYTES, BlindingKey
from isthmus.transport.channel import Channel

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


def secret_order(rows: int) -> Integers:
    """Returns a secret random permutation, shape (rows,)."""
    return np.argsort(np.frombuffer(secrets.token_bytes(8 * rows), np.uint64))


def blocks(ours: int, theirs: int, size: int) -> Iterator[Block]:
    """Yields rounds of at most `size` rows of each party, until all rows of both are in one."""
    for start in range(0, max(ours, theirs), size):
        stop = start + size
        yield Block(
            ours=slice(start, stop),
            theirs=max(0, min(stop, theirs) - start),
            done=min(stop, ours) + min(stop, theirs),
        )


def receive_row_count(peer: Channel, limit: int | None) -> int:
    """Receive the peer's number of rows.

    Args:
        peer: The channel to the peer.
        limit: The most rows that the job allows the peer; None for no limit.

    Returns:
        The peer's number of rows.

    Raises:
        PeerError: There are more than the job allows.
    """
    rows = peer.receive(RowCount).rows
    if limit is not None and rows > limit:
        raise PeerError(
            f"{peer.peer!r} brings {rows} rows to the alignment, but the job allows it {limit}. "
            "Ask them why, before you agree to a higher limit."
        )
    return rows


def check_enough(rows: int, spec: CryptographicAlignment) -> None:
    """Stop early if one party has too few rows. Both parties know the numbers, and both stop.

    Args:
        rows: Rows of the smaller party.
        spec: The `[alignment]` table.

    Raises:
        JobError: There are fewer rows than must be shared.
    """
    if rows < spec.minimum_size:
        raise JobError(
            f"the smaller party brings {rows} rows to the alignment, but the job asks for "
            f"{spec.minimum_size} shared rows. Bring more rows, or agree on a lower "
            "`alignment.minimum_size`."
        )


def too_few(found: str, spec: CryptographicAlignment) -> str:
    """Returns the error text for a small intersection, the same at both parties."""
    return (
        f"the alignment found {found}, but the job asks for {spec.minimum_size} shared rows. "
        "Compare what the identifier columns of both parties hold and the job's "
        "`data.normalise`, or agree on a lower `alignment.minimum_size`."
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
