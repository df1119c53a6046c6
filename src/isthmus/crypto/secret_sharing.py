"""Shamir's secret sharing: a threshold of shares gives the secret, fewer reveal nothing of it.

The only file that imports pycryptodome. Its `Shamir` works in GF(2^128), has been maintained since
2014, and Flower's secure aggregation uses it too. It takes secrets of 16 bytes: longer ones are
shared in pieces.
"""

from collections.abc import Mapping

from Crypto.Protocol.SecretSharing import Shamir

SECRET_BYTES = 32
"""Bytes of a secret, and of each share of it."""

_PIECE_BYTES = 16


def split(secret: bytes, threshold: int, holders: int) -> list[bytes]:
    """Split a secret into shares.

    Args:
        secret: `SECRET_BYTES` bytes.
        threshold: Number of shares that give the secret, >= 2.
        holders: Number of shares to make, at least the threshold.

    Returns:
        One share per holder, `SECRET_BYTES` bytes each.

    Raises:
        ValueError: The secret has another length, or the threshold is out of range.

    Source:
        Shamir 1979, "How to share a secret".
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes, not {len(secret)}")
    if not 1 < threshold <= holders:
        raise ValueError(f"{threshold} of {holders} shares is no threshold")
    pieces = [
        [share for _, share in Shamir.split(threshold, holders, piece, ssss=False)]
        for piece in _pieces(secret)
    ]
    return [b"".join(shares) for shares in zip(*pieces, strict=True)]


def combine(shares: Mapping[int, bytes]) -> bytes:
    """Combine shares to the secret.

    Args:
        shares: A threshold of shares by their position in the result of `split`, from 0.

    Returns:
        `SECRET_BYTES` bytes: the secret, or other bytes if a share is wrong.
    """
    pieces = zip(*(_pieces(share) for share in shares.values()), strict=True)
    places = [place + 1 for place in shares]
    return b"".join(
        Shamir.combine(list(zip(places, piece, strict=True)), ssss=False) for piece in pieces
    )


def _pieces(data: bytes) -> list[bytes]:
    return [data[at : at + _PIECE_BYTES] for at in range(0, len(data), _PIECE_BYTES)]
