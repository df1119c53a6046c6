"""Masks that hide encrypted sums from the key holder, as wide as its plaintexts allow.

The column side has encrypted sums v that only the key holder can decrypt. It adds a random mask M
to each, has the masked sums decrypted, and takes the masks off. The key holder answers modulo 2^64:
with |v| < 2^62, v is what y - M leaves modulo 2^64, as a signed number. Three things must hold:

1. *The mask hides whatever the key holder has encrypted*, values beyond the bounds included. With
   Paillier M is uniform on all but 2^63 of the n plaintexts, so v + M modulo n is uniform but for
   2^63 / n: nothing is learnt. With Okamoto-Uchiyama the plaintexts are those modulo a prime p
   that only the key holder knows, and M is uniform on about p / 2^41 of them, 2^983 with 3,072
   bits: sums within the bounds are hidden but for 2^-919, and a key holder who encrypts larger
   values learns at most `_PROOF_BITS` + 3 bits by a sum, fewer than three values of a column.
   A mask is used once.
2. *An answer has 64 bits*, so a column side that puts many values into one plaintext reads no more
   of them than one sum holds.
3. *The key holder refuses what no honest party sends*, where that would cost its key. A decryption
   of m >= p by Okamoto-Uchiyama is m modulo p, and m minus that is a multiple of the secret prime:
   inverting is factoring (their proof, EUROCRYPT 1998). So this key holder answers only within the
   range of masked sums, where such a number lies with a probability of 2^-`_PROOF_BITS`. The first
   one that does not lie there ends the run. Paillier's decryptions tell nothing about the key.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.crypto.encryption import Scheme
from isthmus.crypto.scheme import PublicKey

SUM_BITS = 62
"""Every sum lies within (-2^62, 2^62)."""

OPENED_BYTES = 8
"""Bytes of an answer: a masked sum modulo 2^64."""

_PROOF_BITS = 40
_WORD = 1 << 64


@dataclass(frozen=True)
class SumMasks:
    """Masks for sums under one key.

    Attributes:
        least: The lowest mask.
        width: Number of masks; they are uniform on [least, least + width).
    """

    least: int
    width: int

    def draw(self, count: int) -> list[int]:
        """Draw masks for this number of sums: use each once."""
        return [self.least + secrets.randbelow(self.width) for _ in range(count)]

    def answers(self, decrypted: Sequence[int]) -> bytes:
        """Returns masked sums modulo 2^64, to send.

        Args:
            decrypted: Masked sums as decrypted.

        Returns:
            `OPENED_BYTES` of each.

        Raises:
            ValueError: A value is out of range: to send it back could reveal the private key.
        """
        margin = 1 << SUM_BITS
        low, high = self.least - margin, self.least + self.width + margin
        if not all(low < value < high for value in decrypted):
            raise ValueError("a decrypted value is out of the range of masked sums")
        return np.array([value % _WORD for value in decrypted], "<u8").tobytes()

    @staticmethod
    def unmask(opened: bytes, masks: Sequence[int]) -> list[int]:
        """Take the masks off the answers of the key holder.

        Args:
            opened: Result of `answers` at the key holder.
            masks: The masks, in the same order.

        Returns:
            The sums.

        Raises:
            ValueError: There are not as many sums as masks, or a sum is out of range.
        """
        if len(opened) != OPENED_BYTES * len(masks):
            raise ValueError(f"{len(opened)} bytes came back for {len(masks)} masked sums")
        answers: list[int] = np.frombuffer(opened, "<u8").tolist()
        sums = [_signed(each - mask) for each, mask in zip(answers, masks, strict=True)]
        if not all(abs(value) < 1 << SUM_BITS for value in sums):
            raise ValueError("a sum is larger than rows and values allow")
        return sums


def masks_under(scheme: Scheme, key: PublicKey) -> SumMasks:
    """Returns the widest masks that a key allows.

    Args:
        scheme: The scheme of the key.
        key: Public key of the party that will decrypt.

    Returns:
        The masks.
    """
    margin = 1 << SUM_BITS
    if scheme == "paillier":
        n = int.from_bytes(key.dump(), "big")  # all that a public key of Paillier holds
        return SumMasks(-(n // 2) + margin, n - 2 * margin)
    return SumMasks(0, 1 << (key.sum_bits + 1 - _PROOF_BITS))


def _signed(value: int) -> int:
    return (value + _WORD // 2) % _WORD - _WORD // 2
