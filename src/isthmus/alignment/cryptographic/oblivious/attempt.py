"""Functions of both roles: the seed of an attempt, and checks of what the peer sends."""

import hashlib
import secrets
from typing import NoReturn

from isthmus.core.errors import PeerError

NONCE_BYTES = 32


def draw_nonce() -> bytes:
    """Returns a fresh nonce of ours."""
    return secrets.token_bytes(NONCE_BYTES)


def seed_of(context: bytes, receivers: bytes, senders: bytes) -> bytes:
    """Make the seed of an attempt, which is random if one party's nonce is.

    Args:
        context: The job's digest.
        receivers: The receiver's nonce.
        senders: The sender's nonce.

    Returns:
        32 bytes.
    """
    return hashlib.sha256(b"isthmus oblivious 1" + receivers + senders + context).digest()


def sized(data: bytes, size: int, peer: str, what: str) -> bytes:
    """Check that bytes are as many as the protocol has.

    Args:
        data: The bytes that the peer sent.
        size: Their number by the protocol.
        peer: Name of the peer.
        what: What they are, in words.

    Returns:
        The bytes.

    Raises:
        PeerError: There are more or fewer.
    """
    if len(data) != size:
        raise PeerError(
            f"{peer!r} sent {len(data)} bytes of {what} where {size} were due. "
            "Compare `isthmus version` on both sides."
        )
    return data


def refuse_points(peer: str) -> NoReturn:
    """Refuse bytes that are not points.

    Args:
        peer: Name of the peer that sent them.

    Raises:
        PeerError: Always.
    """
    raise PeerError(
        f"{peer!r} sent bytes that are not points of ristretto255, so this is not the protocol "
        "that the job names. Do not go on: ask them which version they run."
    ) from None


def refuse_cheat(peer: str) -> NoReturn:
    """Refuse what failed a check, always in the same words: the peer is told them too.

    Args:
        peer: Name of the peer.

    Raises:
        PeerError: Always.
    """
    raise PeerError(
        f"{peer!r} failed a check of the alignment: what it sent is not of the protocol. Do not go "
        "on: ask them which version they run."
    ) from None
