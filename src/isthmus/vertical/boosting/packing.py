"""Packing of several signed integers into one ciphertext: g and h of a row, sums of several bins.

A *field* is w bits wide (`gradients.width`) and holds an integer of [-2^(w-1), 2^(w-1)). With
B = 2^w, fields f_0, f_1, ..., f_(k-1) are encoded as v = f_0 + f_1 B + ... + f_(k-1) B^(k-1).

1. *Decoding is exact.* v + 2^(w-1) (1 + B + ... + B^(k-1)) has the digits f_i + 2^(w-1) to the base
   B, each in [0, B). Digits are unique, and so are the fields.
2. *A sum of pairs is the pair of sums.* A row is h + g B; a sum over rows is H + G B, where H is
   the sum of all h and G that of all g. Both fit: `Packing.check` adds up all magnitudes.
3. *Bins are packed by Horner's rule.* A pair takes 2 w bits, so ((P_2 B^2) + P_1) B^2 + P_0 holds
   three pairs: one multiplication by B^2, which is 2 w squarings, for every pair but the first.
4. *Nothing overflows.* k fields make |v| <= 2^(w-1) (B^k - 1) / (B - 1) < B^k = 2^(w k), and a
   ciphertext has only so many pairs that `GUARD_BITS` of the scheme's `sum_bits` stay free.
5. *Numbers that no honest party sends are refused.* Okamoto-Uchiyama decrypts modulo a secret
   prime, and the decryption of a larger number reveals it (see `crypto.sum_masks`). If the prime
   is not known, such a number is within the range of the fields with a probability of
   2^-GUARD_BITS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.core.errors import JobError
from isthmus.crypto.scheme import Ciphertexts

CiphertextsT = TypeVar("CiphertextsT", bound=Ciphertexts)

GUARD_BITS = 64
"""Bits of a ciphertext that no honest sum reaches."""


@dataclass(frozen=True)
class Packing:
    """The layout of pairs of fields in ciphertexts."""

    width: int
    """Bits of a field."""

    pairs: int
    """Most pairs in a ciphertext."""

    def check(self, values: Integers) -> None:
        """Refuse gradients whose sums could overflow their fields.

        Args:
            values: g and h of all rows in fixed point, shape (2, rows).

        Raises:
            ValueError: The sums could overflow.
        """
        if (np.abs(values).sum(axis=1) >= 1 << (self.width - 1)).any():
            raise ValueError(f"sums of these gradients do not fit {self.width} bits")

    def rows(self, values: Integers) -> list[int]:
        """Encode g and h in fixed point, shape (2, rows), as one plaintext per row."""
        g, h = values.tolist()
        return [(a << self.width) + b for a, b in zip(g, h, strict=True)]

    def ciphertexts(self, count: int) -> int:
        """Returns the number of ciphertexts for a number of pairs."""
        return -(-count // self.pairs)

    def fold(self, sums: CiphertextsT) -> CiphertextsT:
        """Pack several encrypted pairs into each ciphertext.

        Args:
            sums: Encrypted pairs.

        Returns:
            `ciphertexts(len(sums))` ciphertexts, not re-randomised; `unfold` reads them.
        """
        starts, size = self._places(len(sums))
        factors = [1 << (2 * self.width)] * size
        folded = sums[starts[-1] : starts[-1] + size]
        for start in reversed(starts[:-1]):
            folded = folded.scale(factors) + sums[start : start + size]
        return folded

    def unfold(self, decrypted: Sequence[int], count: int) -> Integers:
        """Decode the pairs in decrypted ciphertexts.

        Args:
            decrypted: The decrypted result of `fold`.
            count: Number of pairs.

        Returns:
            Sums of g and of h, shape (2, count).

        Raises:
            ValueError: A number is out of the range of packed pairs.
        """
        starts, size = self._places(count)
        fields = np.array([self._fields(number, 2 * len(starts)) for number in decrypted], np.int64)
        pairs = np.empty((count, 2), np.int64)
        for at, start in enumerate(starts):
            pairs[start : start + size] = fields[:, 2 * at : 2 * at + 2]
        return pairs.T[::-1]

    def _places(self, count: int) -> tuple[list[int], int]:
        """Returns where the first, second, ... pairs of all ciphertexts start, and their number.

        The last of these slices starts early enough to be full: it may repeat pairs of the slice
        before, so that no ciphertext needs padding.
        """
        size = self.ciphertexts(count)
        return [min(start, count - size) for start in range(0, count, size)], size

    def _fields(self, number: int, count: int) -> list[int]:
        base, half = 1 << self.width, 1 << (self.width - 1)
        raised = number + half * ((base**count - 1) // (base - 1))
        if not 0 <= raised < base**count:
            raise ValueError("a decrypted number is out of the range of sums")
        return [(raised >> (self.width * at)) % base - half for at in range(count)]


def packing(width: int, sum_bits: int) -> Packing:
    """Returns the packing with the most pairs in a ciphertext that the key has room for.

    Args:
        width: Bits of a field, 2 or more.
        sum_bits: `sum_bits` of the public key.

    Returns:
        The packing.

    Raises:
        JobError: There is no room for one pair.
    """
    pairs = (sum_bits - GUARD_BITS) // (2 * width)
    if pairs < 1:
        raise JobError(
            f"two sums of {width} bits do not fit a ciphertext of this key. Choose larger "
            "`key_bits`, or a lower `boosting.precision`."
        )
    return Packing(width, pairs)
