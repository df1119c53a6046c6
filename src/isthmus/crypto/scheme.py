"""The interface of additive homomorphic encryption, for all schemes and libraries."""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Integers

Codes = NDArray[np.int8]

MAX_BUCKETS = 128
"""Most buckets of a column: bucket numbers are int8."""


class Ciphertexts(Protocol):
    """A vector of ciphertexts under one public key."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice) -> Self: ...

    def take(self, rows: Sequence[int]) -> Self:
        """Returns the elements at these positions, which may repeat."""
        ...

    def join(self, others: Sequence[Self]) -> Self:
        """Concatenate these elements and those of the others."""
        ...

    def __add__(self, other: Self) -> Self:
        """Returns the sums, element by element."""
        ...

    def scale(self, factors: Sequence[int]) -> Self:
        """Multiply each element by a plain, signed integer."""
        ...

    def sum(self) -> Self:
        """Returns the sum of all elements, as a vector of length one."""
        ...

    def sums(self, groups: Sequence[Sequence[int]]) -> Self:
        """Returns the sum of the elements of each group of positions; 0 for an empty group."""
        ...

    def list_sums(self, positions: Integers, starts: Integers) -> Self:
        """Returns the same for many groups: positions list after list, and where each starts.

        Args:
            positions: Of elements, which may repeat.
            starts: Where each list starts in `positions`, and where the last one ends.

        Returns:
            A sum for each list.
        """
        ...

    def bucket_sums(self, codes: Codes, buckets: int, *, cumulative: bool = False) -> Self:
        """Returns the sums by bucket, which both regression and boosting are built on.

        Args:
            codes: Bucket of each row in each column, shape (rows, columns), in [0, buckets).
            buckets: Buckets per column, at most `MAX_BUCKETS`.
            cumulative: Add to each bucket all buckets before it.

        Returns:
            A vector of columns * buckets, column by column. Not re-randomised: add a fresh
            encryption before any of it leaves.
        """
        ...

    def dump(self) -> bytes:
        """Returns the bytes to send."""
        ...


class PublicKey(Protocol):
    """Encrypts, and decodes ciphertexts that the other party sent.

    A dishonest owner of the private key could make a public key whose randomness hides less from
    the owner. So masks (`sum_masks`) protect the sums that the owner decrypts; everything else
    relies on an owner that follows the protocol.
    """

    @property
    def plaintext_bits(self) -> int:
        """Bits that a signed value may have, to be encrypted and added."""
        ...

    @property
    def sum_bits(self) -> int:
        """Bits that a signed sum or product may have: at least `plaintext_bits`."""
        ...

    def encrypt(self, values: Sequence[int]) -> Ciphertexts:
        """Encrypt signed integers, with fresh randomness."""
        ...

    def load(self, data: bytes, count: int) -> Ciphertexts:
        """Decode ciphertexts that `Ciphertexts.dump` encoded at the other party.

        Args:
            data: The bytes as received.
            count: The number of ciphertexts that they must hold.

        Returns:
            The ciphertexts.

        Raises:
            ValueError: The bytes are not `count` valid ciphertexts under this key.
        """
        ...

    def load_residues(self, data: bytes, count: int) -> Ciphertexts:
        """Decode ciphertexts like `load`, without the check that they are units.

        Args:
            data: The bytes as received.
            count: The number of ciphertexts that they must hold.

        Returns:
            The ciphertexts: `check_units` has to come before anything of them leaves.

        Raises:
            ValueError: The bytes are not `count` numbers within the modulus.
        """
        ...

    def check_units(self, ciphertexts: Ciphertexts) -> None:
        """Refuse ciphertexts that are not all units, or sums of such.

        Args:
            ciphertexts: From `load_residues`, or sums that every one of these is part of.

        Raises:
            ValueError: A number is not invertible.
        """
        ...

    def restore(self, data: bytes) -> Ciphertexts:
        """Decode ciphertexts that `load` has already checked, without checking them again."""
        ...

    def dump(self) -> bytes:
        """Returns the bytes to send."""
        ...


class PrivateKey(Protocol):
    """Decrypts. Never leaves the process that made it."""

    @property
    def public(self) -> PublicKey:
        """The public key, to send to others."""
        ...

    def decrypt(self, ciphertexts: Ciphertexts) -> list[int]:
        """Returns the signed integers. The caller must refuse values that it does not expect."""
        ...


def check_codes(codes: Codes, rows: int, buckets: int) -> None:
    """Refuse codes with which an engine would read or write out of bounds.

    Args:
        codes: Bucket of each row in each column, shape (rows, columns).
        rows: Number of ciphertexts.
        buckets: Buckets per column.

    Raises:
        ValueError: A code is not a bucket, or there are not as many codes as ciphertexts.
    """
    if not 1 <= buckets <= MAX_BUCKETS or len(codes) != rows:
        raise ValueError(f"{len(codes)} rows of codes in {buckets} buckets do not fit {rows} rows")
    if codes.min() < 0 or codes.max() >= buckets:
        raise ValueError(f"a code is not in [0, {buckets})")
