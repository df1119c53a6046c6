"""Additive homomorphic encryption as the protocols see it, whichever library computes it."""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int8]

MAX_BUCKETS = 128
"""Bucket numbers are int8."""


class Ciphertexts(Protocol):
    """A vector of ciphertexts under one public key."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice) -> Self: ...

    def __add__(self, other: Self) -> Self:
        """Ciphertexts of the sums, element by element."""
        ...

    def scale(self, factors: Sequence[int]) -> Self:
        """Ciphertexts of the products with one plain, signed integer per element."""
        ...

    def sum(self) -> Self:
        """Ciphertext of the sum of all elements, as a vector of one."""
        ...

    def bucket_sums(self, codes: Codes, buckets: int, *, cumulative: bool = False) -> Self:
        """Encrypted sums by bucket: the one primitive of regression and of boosted trees.

        Args:
            codes: Bucket of each row in each column, shape (rows, columns), in [0, buckets).
            buckets: Buckets per column, at most `MAX_BUCKETS`.
            cumulative: Add to each bucket all the buckets before it.

        Returns:
            A vector of columns * buckets, column by column. Not re-randomised: add a fresh
            encryption before any of it leaves.
        """
        ...

    def dump(self) -> bytes:
        """Bytes to send."""
        ...


class PublicKey(Protocol):
    """Encrypts, and reads what the other party sent."""

    @property
    def plaintext_bits(self) -> int:
        """Signed values of up to this many bits survive encryption and addition."""
        ...

    def encrypt(self, values: Sequence[int]) -> Ciphertexts:
        """Fresh, randomised encryptions of signed integers."""
        ...

    def load(self, data: bytes, count: int) -> Ciphertexts:
        """Read what `Ciphertexts.dump` wrote at the other party.

        Args:
            data: The bytes as they came.
            count: How many ciphertexts they must hold.

        Returns:
            The ciphertexts.

        Raises:
            ValueError: The bytes are not `count` valid ciphertexts under this key.
        """
        ...

    def dump(self) -> bytes:
        """Bytes to send."""
        ...


class PrivateKey(Protocol):
    """Decrypts. Never leaves the process that made it."""

    @property
    def public(self) -> PublicKey:
        """The key to hand out."""
        ...

    def decrypt(self, ciphertexts: Ciphertexts) -> list[int]:
        """The signed integers. The caller refuses values out of the range it expects."""
        ...
