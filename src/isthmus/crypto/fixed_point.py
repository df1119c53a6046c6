"""Fixed-point encoding of real numbers, and masks that hide encrypted sums from the key holder.

The passive party has encrypted sums that only the active party can decrypt. It adds a random
mask to each, has the masked sums decrypted, and subtracts the masks. Three things must hold:

1. *No sum overflows.* A residual is an integer of magnitude at most 2^r, a feature one below 2^f,
   so a sum over n rows is below n 2^(f+r). `Bounds` gives residuals the largest r with
   n 2^(f+r) <= 2^62, where n is rounded up to a power of two: every sum is within (-2^62, 2^62).
2. *The mask hides the sum.* A mask M is uniform on [0, 2^126). For two sums v and w, v + M and
   w + M differ in distribution on |v - w| < 2^63 values at either end, so their statistical
   distance is below 2^63 / 2^126 = 2^-63, whatever v and w are. A mask is used once.
3. *The key holder refuses what no honest party sends.* v + M lies in (-2^62, 2^126 + 2^62), and
   `Bounds.check` refuses everything else. Otherwise a party could send an encryption of m >= p:
   Okamoto-Uchiyama decrypts it to m mod p, so m minus the answer is a multiple of the secret prime
   p. (Their proof, EUROCRYPT 1998, that inverting is factoring is this attack.) The prime has over
   340 bits, so such an answer is within the range with a probability of 2^-200.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats, Integers

MASKED_BYTES = 17
"""Bytes of a masked integer: two's complement, 128 bits and a sign."""

_SUM_BITS = 62
_MASK_BITS = _SUM_BITS + 64


@dataclass(frozen=True)
class Bounds:
    """Bounds of the integers in a sum over rows of feature times residual.

    Attributes:
        rows: Number of rows of a sum, in all blocks together.
        feature_bits: Integer features lie within (-2^feature_bits, 2^feature_bits).
        limit: Largest magnitude of a residual, a power of two.
        sum_bits: Every sum is within two to this power of zero.
    """

    rows: int
    feature_bits: int
    limit: float
    sum_bits: int = _SUM_BITS

    def __post_init__(self) -> None:
        """Refuse bounds that leave no bits for residuals.

        Raises:
            ValueError: `limit` is not a power of two, or rows and features leave too few bits.
        """
        if self.limit <= 0 or np.frexp(self.limit)[0] != 0.5:  # noqa: PLR2004 - the mantissa
            raise ValueError(f"a limit of {self.limit} is not a power of two")
        if self.rows < 1 or self.residual_bits < 1:
            raise ValueError(
                f"{self.rows} rows of {self.feature_bits}-bit features leave no bits for residuals"
            )

    @property
    def residual_bits(self) -> int:
        """Bits of an integer residual: its magnitude is at most two to this power."""
        return self.sum_bits - self.feature_bits - (self.rows - 1).bit_length()

    def encode(self, residuals: Floats) -> list[int]:
        """Encode residuals as a list of integers, see `integers`."""
        integers: list[int] = self.integers(residuals).tolist()
        return integers

    def integers(self, residuals: Floats) -> Integers:
        """Encode residuals as integers to encrypt.

        Args:
            residuals: Of magnitude at most `limit`.

        Returns:
            The residuals in units of `limit / 2**residual_bits`, rounded.

        Raises:
            ValueError: A residual is beyond the limit, or NaN.
        """
        if not (np.abs(residuals) <= self.limit).all():
            raise ValueError(
                f"a residual is not within {self.limit:g} of zero: look for extreme labels"
            )
        return np.rint(residuals / self._unit).astype(np.int64)

    def decode(self, sums: Sequence[int] | Integers) -> Floats:
        """Convert sums of integer feature times residual to units of residuals."""
        return np.array(sums, np.float64) * self._unit

    def masks(self, count: int) -> list[int]:
        """Draw masks for this number of sums: use each once."""
        return [secrets.randbits(_MASK_BITS) for _ in range(count)]

    def check(self, decrypted: Sequence[int]) -> None:
        """Refuse decrypted values that are not the sum of an honest sum and a mask.

        Args:
            decrypted: Masked sums.

        Raises:
            ValueError: A value is out of range: to send it back could reveal the private key.
        """
        most = 1 << _SUM_BITS
        if not all(-most < value < (1 << _MASK_BITS) + most for value in decrypted):
            raise ValueError("a decrypted value is out of the range of masked sums")

    def unmask(self, opened: Sequence[bytes], masks: Sequence[int]) -> list[int]:
        """Subtract the masks from the sums that the key holder decrypted.

        Args:
            opened: Masked sums as received, see `to_bytes`.
            masks: The masks, in the same order.

        Returns:
            The sums.

        Raises:
            ValueError: There are not as many sums as masks, or a sum is out of range.
        """
        if len(opened) != len(masks):
            raise ValueError(f"{len(opened)} sums came back for {len(masks)} masks")
        sums = [value - mask for value, mask in zip(from_bytes(opened), masks, strict=True)]
        if not all(abs(value) < 1 << _SUM_BITS for value in sums):
            raise ValueError("a sum is larger than rows and residuals allow")
        return sums

    @property
    def _unit(self) -> float:
        return self.limit / float(1 << self.residual_bits)


def to_bytes(values: Iterable[int]) -> list[bytes]:
    """Encode masked integers for a message."""
    return [value.to_bytes(MASKED_BYTES, "big", signed=True) for value in values]


def from_bytes(values: Iterable[bytes]) -> list[int]:
    """Decode masked integers from a message.

    Args:
        values: Result of `to_bytes` at the other party.

    Returns:
        The integers.

    Raises:
        ValueError: One has the wrong length.
    """
    items = list(values)
    if not all(len(item) == MASKED_BYTES for item in items):
        raise ValueError(f"masked integers have {MASKED_BYTES} bytes each")
    return [int.from_bytes(item, "big", signed=True) for item in items]
