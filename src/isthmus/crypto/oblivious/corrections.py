"""Corrections, which put a table into the streams, and the proof that they are of the code.

The receiver has a table p of 64-bit values, one a slot, and u, v of the streams; C is the code. It
sends c = u + C(p), and the sender adds d c to its w: then w = v + d C(p), slot by slot. A receiver
whose c is not of this form would learn single bits of d from whether rows match. So the sender
draws a challenge once all corrections are there, both hash each bit column of the slots with it,
linearly, and the receiver shows the hashes of p and v. Slots of random values at the end hide what
these would tell.

Source: Roy 2022, "SoftSpokenOT", section 4 (subspace VOLE and its consistency check). The hash is
GHASH (McGrew and Viega 2004, "The security and performance of the Galois/Counter Mode of
operation"), taken from AES-GCM, which is linear and almost universal.
"""

import hashlib
import secrets

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from isthmus.core.arrays import Integers
from isthmus.crypto.oblivious import okvs
from isthmus.crypto.oblivious.bits import (
    ROW_BITS,
    Bytes,
    LinearMap,
    Words,
    as_bytes,
    rows_to_planes,
)
from isthmus.crypto.oblivious.code import COLUMNS, MESSAGE_BITS, code_words
from isthmus.crypto.oblivious.vole import BLOCK, fold_images

CHALLENGE_BYTES = 32
"""Bytes of a challenge."""

_TAG_BYTES = 16
_HIDING = 128  # random slots that hide what the proof shows: as many as a hash has bits

PROOF_BYTES = (MESSAGE_BITS + COLUMNS) * _TAG_BYTES
"""Bytes of a proof: a hash of each bit column of p and of v."""

Tags = NDArray[np.uint8]
"""Hashes of bit columns, shape (columns, 16)."""


def slots(rows: int) -> int:
    """Returns the slots of corrections for a table of so many rows, with those that hide."""
    return -(-okvs.length(rows) // _HIDING) * _HIDING + _HIDING


def with_hiding(table: NDArray[np.uint64], rows: int) -> NDArray[np.uint64]:
    """Returns a table of `okvs.filled` for so many rows, filled up to all slots."""
    due = slots(rows)
    gap = np.zeros(due - _HIDING - len(table), np.uint64)
    hiding = np.frombuffer(secrets.token_bytes(8 * _HIDING), np.uint64)
    return np.concatenate([table, gap, hiding])


def encoder() -> LinearMap:
    """Returns the map of a value to its code word."""
    return LinearMap(code_words())


class Corrector:
    """What the sender's numbers make of corrections and of values, folded to 128 bits."""

    def __init__(self, numbers: Integers) -> None:
        """Prepare the maps.

        Args:
            numbers: The sender's secret number for each column, shape (128,).
        """
        columns = fold_images(numbers)
        self.corrections = LinearMap(columns)
        self._values = [_sum_of(columns, word) for word in code_words()]
        self.values = LinearMap(self._values)

    def accepts(self, rows: Words, proof: bytes, challenge: bytes) -> bool:
        """Check that corrections were of the code.

        Args:
            rows: w of every slot, corrections added, shape (slots, 2).
            proof: What the receiver showed, `PROOF_BYTES`.
            challenge: Ours, `CHALLENGE_BYTES`.

        Returns:
            Whether they were.
        """
        shown = np.frombuffer(proof, np.uint8).reshape(-1, _TAG_BYTES)
        of_values, of_rows = shown[:MESSAGE_BITS], shown[MESSAGE_BITS:]
        due = of_rows ^ _image(of_values, self._values)
        return np.array_equal(_tags(rows, challenge), due)


def prove(table: NDArray[np.uint64], rows: Words, challenge: bytes) -> bytes:
    """Show that corrections were of the code.

    Args:
        table: p of every slot, shape (slots,).
        rows: v of every slot, shape (slots, 2).
        challenge: The sender's, `CHALLENGE_BYTES`.

    Returns:
        The proof, `PROOF_BYTES`.
    """
    wide = np.zeros((len(table), 2), np.uint64)
    wide[:, 0] = table
    return _tags(wide, challenge)[:MESSAGE_BITS].tobytes() + _tags(rows, challenge).tobytes()


def add_words(values: NDArray[np.uint64], encode: LinearMap, sums: Words) -> None:
    """Add the code words of values to sums, in place.

    Args:
        values: Shape (slots,).
        encode: The `encoder`.
        sums: Shape (slots, 2).
    """
    encode.add(as_bytes(values), sums)


def _tags(rows: Words, challenge: bytes) -> Tags:
    """Hash each bit column of rows, shape (slots, 2); one key of the hash for each block."""
    tags = np.zeros((ROW_BITS, _TAG_BYTES), np.uint8)
    for number, start in enumerate(range(0, len(rows), BLOCK)):
        key = hashlib.sha256(challenge + number.to_bytes(4, "little")).digest()
        tags ^= _ghash(rows_to_planes(rows[start : start + BLOCK]), key)
    return tags


def _ghash(planes: Bytes, key: bytes) -> Tags:
    """Hash planes by GHASH: the part of AES-GCM's tag that depends on them, which is linear."""
    cipher, nonce = AESGCM(key[:16]), key[16:28]
    # The lengths and the key stream are in every tag alike, and in this one alone with zeros.
    constant = np.frombuffer(cipher.encrypt(nonce, b"", bytes(planes.shape[1])), np.uint8)
    tags = b"".join(cipher.encrypt(nonce, b"", memoryview(plane)) for plane in planes)
    return np.frombuffer(tags, np.uint8).reshape(-1, _TAG_BYTES) ^ constant


def _image(tags: Tags, images: list[int]) -> Tags:
    """Find the hashes of what a linear map makes of columns, from the hashes of these.

    Args:
        tags: Of the columns of the map's input.
        images: The map.

    Returns:
        Of the columns of its output.
    """
    found = np.zeros((ROW_BITS, _TAG_BYTES), np.uint8)
    for tag, image in zip(tags, images, strict=True):
        bits = np.frombuffer(image.to_bytes(ROW_BITS // 8, "little"), np.uint8)
        found[np.unpackbits(bits, bitorder="little") == 1] ^= tag
    return found


def _sum_of(images: list[int], word: int) -> int:
    total = 0
    for column, image in enumerate(images):
        total ^= image if word >> column & 1 else 0
    return total
