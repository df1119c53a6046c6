"""Blinding of identifiers on ristretto255 (RFC 9496) by libsodium: the only file that imports rbcl.

A `BlindingKey` is a secret scalar k. It maps an identifier to the point k H(identifier), and a
point of the other party to k times that point. The order of two keys does not matter, so equal
identifiers have equal points under both keys; without a key, points reveal nothing (decisional
Diffie-Hellman, with H a random oracle).
"""

# rbcl has no types, so all that comes from it is unknown.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

import hashlib
import importlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import rbcl

from isthmus.crypto.threads import spread

POINT_BYTES = 32
"""Bytes of an encoded point."""

# rbcl unpacks libsodium into a temporary file of 3 MB at every start, and never removes it.
with suppress(OSError):
    Path(importlib.import_module("rbcl._sodium").lib_path).unlink()

_CHUNK = 2_000  # about a tenth of a second
_LENGTH_BYTES = 8


class BlindingKey:
    """A secret scalar: make a fresh one for every alignment, and never let it leave."""

    def __init__(self) -> None:
        self._scalar = random_scalar()

    def blind_identifiers(self, identifiers: Sequence[bytes], context: bytes) -> bytes:
        """Hash identifiers to points, and multiply the points by the key.

        Args:
            identifiers: The identifiers to hide.
            context: Domain separation: equal identifiers in different contexts have unrelated
                points.

        Returns:
            `POINT_BYTES` per identifier, in the same order.
        """
        prefix = hashlib.sha512(_framed(context))

        def blind(identifier: bytes) -> bytes:
            digest = prefix.copy()
            digest.update(_framed(identifier))
            return self._blind(rbcl.crypto_core_ristretto255_from_hash(digest.digest()))

        return b"".join(spread(blind, identifiers, _CHUNK))

    def blind_points(self, points: bytes) -> bytes:
        """Multiply points of the other party by the key.

        Args:
            points: `POINT_BYTES` each, one after the other.

        Returns:
            The points under both keys, in the same order.

        Raises:
            ValueError: Something is not a point, or is the identity, which hides nothing.
        """
        if len(points) % POINT_BYTES:
            raise ValueError(f"{len(points)} bytes are not points of {POINT_BYTES} bytes each")
        starts = range(0, len(points), POINT_BYTES)
        try:
            blinded = spread(lambda at: self._blind(points[at : at + POINT_BYTES]), starts, _CHUNK)
        except RuntimeError:  # libsodium refuses encodings that are not canonical, and the identity
            raise ValueError("these bytes are not points of ristretto255") from None
        return b"".join(blinded)

    def _blind(self, point: bytes) -> bytes:
        blinded: bytes = rbcl.crypto_scalarmult_ristretto255(self._scalar, point)
        return blinded


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def random_scalar() -> bytes:
    """Returns a secret random scalar."""
    scalar: bytes = rbcl.crypto_core_ristretto255_scalar_random()
    return scalar


def random_point() -> bytes:
    """Returns a random point, whose discrete logarithm nobody knows."""
    point: bytes = rbcl.crypto_core_ristretto255_random()
    return point


def hashed_point(digest: bytes) -> bytes:
    """Returns the point of a digest of 64 bytes."""
    point: bytes = rbcl.crypto_core_ristretto255_from_hash(digest)
    return point


def base_multiple(scalar: bytes) -> bytes:
    """Returns the multiple of the base point by a scalar."""
    point: bytes = rbcl.crypto_scalarmult_ristretto255_base(scalar)
    return point


def multiple(scalar: bytes, point: bytes) -> bytes:
    """Multiply a point by a scalar.

    Args:
        scalar: The scalar.
        point: The point.

    Returns:
        The product.

    Raises:
        ValueError: This is not a point, or is the identity.
    """
    with _only_points():
        product: bytes = rbcl.crypto_scalarmult_ristretto255(scalar, point)
    return product


def added(left: bytes, right: bytes) -> bytes:
    """Add two points.

    Args:
        left: A point.
        right: A point.

    Returns:
        The sum.

    Raises:
        ValueError: One of them is not a point.
    """
    with _only_points():
        total: bytes = rbcl.crypto_core_ristretto255_add(left, right)
    return total


def subtracted(left: bytes, right: bytes) -> bytes:
    """Subtract a point from another one.

    Args:
        left: The point to subtract from.
        right: The point to subtract.

    Returns:
        The difference.

    Raises:
        ValueError: One of them is not a point.
    """
    with _only_points():
        difference: bytes = rbcl.crypto_core_ristretto255_sub(left, right)
    return difference


@contextmanager
def _only_points() -> Generator[None]:
    try:
        yield
    except (RuntimeError, TypeError, ValueError):  # encodings that are not canonical, or too short
        raise ValueError("these bytes are not points of ristretto255") from None
