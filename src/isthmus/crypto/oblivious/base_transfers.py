"""The first oblivious transfers, with public keys: a chooser gets one key of each pair.

The one who offers does not learn which one; the chooser does not learn the other key of a pair.
Keys are random and come from the transfer itself. Secure against an active adversary in the random
oracle model, if computational Diffie-Hellman is hard on ristretto255.

Source: Masny and Rindal 2019, "Endemic Oblivious Transfer", figure 8 (one answer for all pairs,
section 5.3).
"""

import hashlib
from collections.abc import Callable, Sequence

from isthmus.crypto import curve
from isthmus.crypto.curve import POINT_BYTES

KEY_BYTES = 16
"""Bytes of a key."""

CHOICE_BYTES = 2 * POINT_BYTES
"""Bytes that the chooser sends for a choice."""

Keys = list[bytes]


def choose(choices: Sequence[int], seed: bytes) -> tuple[bytes, Callable[[bytes], Keys]]:
    """Choose one key of each pair.

    Args:
        choices: 0 or 1 for each pair.
        seed: 32 bytes of this attempt alone, which both parties have.

    Returns:
        What to send, `CHOICE_BYTES` for each pair, and a function that makes the chosen keys of
        the answer; it raises ValueError where the answer is not a point.
    """
    sent, scalars = list[bytes](), list[bytes]()
    for index, choice in enumerate(choices):
        scalar, other = curve.random_scalar(), curve.random_point()
        hidden = _point(index, choice, other, seed)
        mine = curve.subtracted(curve.base_multiple(scalar), hidden)
        sent += [other, mine] if choice else [mine, other]
        scalars.append(scalar)

    def keys(answer: bytes) -> Keys:
        return [
            _key(index, choice, curve.multiple(scalar, answer), seed)
            for index, (scalar, choice) in enumerate(zip(scalars, choices, strict=True))
        ]

    return b"".join(sent), keys


def offer(chosen: bytes, seed: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Offer two keys for each choice.

    Args:
        chosen: What the chooser sent, `CHOICE_BYTES` for each pair.
        seed: 32 bytes of this attempt alone, which both parties have.

    Returns:
        The answer, one point, and the two keys of each pair.

    Raises:
        ValueError: What the chooser sent are not points.
    """
    scalar = curve.random_scalar()
    points = [chosen[at : at + POINT_BYTES] for at in range(0, len(chosen), POINT_BYTES)]

    def key(index: int, side: int) -> bytes:
        own, other = points[2 * index + side], points[2 * index + 1 - side]
        shared = curve.added(own, _point(index, side, other, seed))
        return _key(index, side, curve.multiple(scalar, shared), seed)

    pairs = [(key(index, 0), key(index, 1)) for index in range(len(points) // 2)]
    return curve.base_multiple(scalar), pairs


def _point(index: int, side: int, point: bytes, seed: bytes) -> bytes:
    said = b"isthmus transfer point" + _place(index, side) + point + seed
    return curve.hashed_point(hashlib.sha512(said).digest())


def _key(index: int, side: int, point: bytes, seed: bytes) -> bytes:
    said = point + _place(index, side)
    return hashlib.blake2b(said, digest_size=KEY_BYTES, key=seed, person=b"isthmus keys").digest()


def _place(index: int, side: int) -> bytes:
    return index.to_bytes(4, "little") + bytes([side])
