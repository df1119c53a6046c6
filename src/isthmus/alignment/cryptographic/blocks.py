"""What both roles do: secret orders, blocks of rows, and checks of what the peer sent."""

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
    """One round: a slice of our rows, and how many rows of the peer."""

    ours: slice
    theirs: int
    done: int
    """Rows of both parties up to the end of this block."""


def secret_order(rows: int) -> Integers:
    """A permutation that nobody can guess, shape (rows,)."""
    return np.argsort(np.frombuffer(secrets.token_bytes(8 * rows), np.uint64))


def blocks(ours: int, theirs: int, size: int) -> Iterator[Block]:
    """Rounds of at most `size` rows of each party, until the longer party is through."""
    for start in range(0, max(ours, theirs), size):
        stop = start + size
        yield Block(
            ours=slice(start, stop),
            theirs=max(0, min(stop, theirs) - start),
            done=min(stop, ours) + min(stop, theirs),
        )


def receive_row_count(peer: Channel, limit: int | None) -> int:
    """Learn how many rows the peer brings.

    Args:
        peer: The line to the peer.
        limit: The most that the job lets it bring; None for no limit.

    Returns:
        Its number of rows.

    Raises:
        PeerError: It brings more than the job allows.
    """
    rows = peer.receive(RowCount).rows
    if limit is not None and rows > limit:
        raise PeerError(
            f"{peer.peer!r} brings {rows} rows to the alignment, but the job allows it {limit}. "
            "Ask them why, before you agree to a higher limit."
        )
    return rows


def check_enough(rows: int, spec: CryptographicAlignment) -> None:
    """Stop before the work where one party has too few rows; both parties know, and stop.

    Args:
        rows: Rows of the smaller party.
        spec: What the job says.

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
    """Why we do not go on with a small intersection, in the same words on both sides."""
    return (
        f"the alignment found {found}, but the job asks for {spec.minimum_size} shared rows. "
        "Compare what the identifier columns of both parties hold and the job's "
        "`data.normalise`, or agree on a lower `alignment.minimum_size`."
    )


def check_points(points: bytes, rows: int, peer: str) -> bytes:
    """Points of a block, if there is one for each row that is due.

    Args:
        points: What the peer sent.
        rows: How many rows are due.
        peer: Name of the peer.

    Returns:
        The points.

    Raises:
        PeerError: There are more or fewer.
    """
    if len(points) != rows * POINT_BYTES:
        raise PeerError(
            f"{peer!r} sent {len(points)} bytes of points where {rows} rows were due, which are "
            f"{rows * POINT_BYTES}. Compare `isthmus version` on both sides."
        )
    return points


def blind(key: BlindingKey, points: bytes, peer: str) -> bytes:
    """Put our key on the peer's points.

    Args:
        key: Our key.
        points: What the peer sent.
        peer: Name of the peer.

    Returns:
        The points under our key too, in the same order.

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
    """Put blocks of points together, if all points are different.

    Args:
        parts: The blocks.
        peer: Name of the peer that the points came from.

    Returns:
        All points, in order.

    Raises:
        PeerError: A point occurs twice: so does an identifier, or the peer cheats.
    """
    points = np.frombuffer(b"".join(parts), np.dtype((np.void, POINT_BYTES)))
    different = len(np.unique(points))
    if different < len(points):
        raise PeerError(
            f"{peer!r} sent {len(points)} points of which only {different} differ, as if an "
            "identifier occurred twice. Do not go on: ask them how they prepared their rows."
        )
    return points
