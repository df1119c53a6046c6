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

    def take(self, rows: Sequence[int]) -> Self:
        """The elements at these positions, which may repeat."""
        ...

    def join(self, others: Sequence[Self]) -> Self:
        """These elements, and after them those of the others."""
        ...

    def __add__(self, other: Self) -> Self:
        """Ciphertexts of the sums, element by element."""
        ...

    def scale(self, factors: Sequence[int]) -> Self:
        """Ciphertexts of the products with one plain, signed integer per element."""
        ...

    def sum(self) -> Self:
        """Ciphertext of the sum of all elements, as a vector of one."""
        ...

    def sums(self, groups: Sequence[Sequence[int]]) -> Self:
        """Ciphertexts of the sums of the elements at each group of positions; of none it is 0."""
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
    """Encrypts, and reads what the other party sent.

    The holder of the private key made it, and could have made it so that randomness hides less
    from itself. Whoever computes on ciphertexts relies on masks (`fixed_point`), and on a key
    holder that follows the protocol to keep what the masks do not cover.
    """

    @property
    def plaintext_bits(self) -> int:
        """Signed values of up to this many bits survive encryption and addition."""
        ...

    @property
    def sum_bits(self) -> int:
        """Signed sums and products of up to this many bits survive, `plaintext_bits` or more."""
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

    def restore(self, data: bytes) -> Ciphertexts:
        """Take up what `load` has read before and this process kept: nothing is checked again."""
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


def check_codes(codes: Codes, rows: int, buckets: int) -> None:
    """Refuse codes that an engine would read or write out of bounds with.

    Args:
        codes: Bucket of each row in each column, shape (rows, columns).
        rows: How many ciphertexts there are.
        buckets: Buckets per column.

    Raises:
        ValueError: A code is no bucket, or codes and ciphertexts do not fit.
    """
    if not 1 <= buckets <= MAX_BUCKETS or len(codes) != rows:
        raise ValueError(f"{len(codes)} rows of codes in {buckets} buckets do not fit {rows} rows")
    if codes.min() < 0 or codes.max() >= buckets:
        raise ValueError(f"a code is not in [0, {buckets})")
