"""Vectors of ciphertexts that are residues of GMP, and powers of a base that never changes.

Of both schemes that gmpy2 computes: adding plaintexts is multiplying residues.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import accumulate, chain, pairwise

from isthmus.core.arrays import Integers
from isthmus.crypto.fixed_width import check_product, check_residues, join, split
from isthmus.crypto.integers import big, power, product
from isthmus.crypto.scheme import Ciphertexts, Codes, check_codes
from isthmus.crypto.threads import spread

CHUNK = 64
"""Encryptions, decryptions or sums that are worth a thread: of a millisecond or so each."""

Powers = list[list[int]]
"""base^(256^i b) by i and b: the bytes of an exponent choose the factors of a power."""


class ResidueKey(ABC):
    """A public key whose ciphertexts are residues: decodes what the other party sent."""

    modulus: int
    """The modulus of ciphertexts."""

    @property
    @abstractmethod
    def ciphertext_bytes(self) -> int:
        """Bytes of a ciphertext on the wire."""

    def load(self, data: bytes, count: int) -> "ResidueCiphertexts":
        """Decode ciphertexts that `ResidueCiphertexts.dump` encoded at the other party.

        Args:
            data: The bytes as received.
            count: The number of ciphertexts that they must hold.

        Returns:
            The ciphertexts.

        Raises:
            ValueError: The bytes are not `count` valid ciphertexts under this key.
        """
        loaded = self.load_residues(data, count)
        self.check_units(loaded)
        return loaded

    def load_residues(self, data: bytes, count: int) -> "ResidueCiphertexts":
        """Decode ciphertexts like `load`, without the check that they are units.

        Args:
            data: The bytes as received.
            count: The number of ciphertexts that they must hold.

        Returns:
            The ciphertexts: `check_units` has to come before anything of them leaves.

        Raises:
            ValueError: The bytes are not `count` numbers within the modulus.
        """
        loaded = self._ciphertexts(split(data, count, self.ciphertext_bytes))
        check_residues(loaded.values, self.modulus)
        return loaded

    def check_units(self, ciphertexts: Ciphertexts) -> None:
        """Refuse ciphertexts that are not all units, or sums of such.

        Args:
            ciphertexts: From `load_residues`, or sums that every one of these is part of.

        Raises:
            ValueError: A number is not invertible.
        """
        check_product(int.from_bytes(ciphertexts.sum().dump()), self.modulus)

    def restore(self, data: bytes) -> "ResidueCiphertexts":
        """Decode ciphertexts that `load` has already checked, without checking them again."""
        width = self.ciphertext_bytes
        return self._ciphertexts(split(data, len(data) // width, width))

    def _ciphertexts(self, numbers: list[int]) -> "ResidueCiphertexts":
        return ResidueCiphertexts(self, [big(number) for number in numbers])


class ResidueCiphertexts:
    """A vector of ciphertexts under one public key."""

    def __init__(self, key: ResidueKey, values: list[int]) -> None:
        """Make a vector from values below the modulus."""
        self.values = values
        self._key = key

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> "ResidueCiphertexts":
        return ResidueCiphertexts(self._key, self.values[rows])

    def take(self, rows: Sequence[int]) -> "ResidueCiphertexts":
        """Returns the elements at these positions, which may repeat."""
        return ResidueCiphertexts(self._key, [self.values[row] for row in rows])

    def join(self, others: Sequence["ResidueCiphertexts"]) -> "ResidueCiphertexts":
        """Concatenate these elements and those of the others."""
        every = chain.from_iterable([self.values, *(other.values for other in others)])
        return ResidueCiphertexts(self._key, list(every))

    def __add__(self, other: "ResidueCiphertexts") -> "ResidueCiphertexts":
        modulus = self._key.modulus
        pairs = zip(self.values, other.values, strict=True)
        return ResidueCiphertexts(self._key, [one * two % modulus for one, two in pairs])

    def scale(self, factors: Sequence[int]) -> "ResidueCiphertexts":
        """Multiply each element by a plain, signed integer."""
        pairs = zip(self.values, factors, strict=True)
        powers = [power(value, factor, self._key.modulus) for value, factor in pairs]
        return ResidueCiphertexts(self._key, powers)

    def sum(self) -> "ResidueCiphertexts":
        """Returns the sum of all elements, as a vector of length one."""
        return self.sums([range(len(self))])

    def sums(self, groups: Sequence[Sequence[int]]) -> "ResidueCiphertexts":
        """Returns the sum of the elements of each group of positions; 0 for an empty group."""

        def add_up(group: Sequence[int]) -> int:
            return product((self.values[row] for row in group), self._key.modulus)

        return ResidueCiphertexts(self._key, spread(add_up, groups, CHUNK))

    def list_sums(self, positions: Integers, starts: Integers) -> "ResidueCiphertexts":
        """Returns the same for many groups: positions list after list, and where each starts.

        Args:
            positions: Of elements, which may repeat.
            starts: Where each list starts in `positions`, and where the last one ends.

        Returns:
            A sum for each list.
        """
        every: list[int] = positions.tolist()
        return self.sums([every[start:end] for start, end in pairwise(starts.tolist())])

    def bucket_sums(
        self, codes: Codes, buckets: int, *, cumulative: bool = False
    ) -> "ResidueCiphertexts":
        """Returns the sums by bucket.

        Args:
            codes: Bucket of each row in each column, shape (rows, columns), in [0, buckets).
            buckets: Buckets per column, at most `MAX_BUCKETS`.
            cumulative: Add to each bucket all buckets before it.

        Returns:
            A vector of columns * buckets, column by column. Not re-randomised.
        """
        check_codes(codes, len(self), buckets)
        modulus = self._key.modulus

        def column_sums(column: list[int]) -> list[int]:
            sums = [big(1)] * buckets
            for value, bucket in zip(self.values, column, strict=True):
                sums[bucket] = sums[bucket] * value % modulus
            if not cumulative:
                return sums
            return list(accumulate(sums, lambda one, other: one * other % modulus))

        columns: list[list[int]] = codes.T.tolist()
        sums = spread(column_sums, columns, 1)
        return ResidueCiphertexts(self._key, list(chain.from_iterable(sums)))

    def dump(self) -> bytes:
        """Returns the bytes to send: fixed-width numbers, one after the other."""
        return join(self.values, self._key.ciphertext_bytes)


def values_of(ciphertexts: Ciphertexts) -> list[int]:
    """Take the residues of a vector.

    Args:
        ciphertexts: The vector.

    Returns:
        The residues.

    Raises:
        TypeError: The ciphertexts are of another engine.
    """
    if not isinstance(ciphertexts, ResidueCiphertexts):
        raise TypeError("these ciphertexts are of another engine")
    return ciphertexts.values


def powers_of(base: int, modulus: int, count: int) -> Powers:
    """Make the table of powers of a base.

    Args:
        base: The base.
        modulus: The modulus.
        count: Bytes of the longest exponent.

    Returns:
        The powers, by place and value of a byte; the lowest byte comes first.
    """
    table = Powers()
    for _ in range(count):
        row = [big(1), base % modulus]
        while len(row) <= 256:  # noqa: PLR2004 - values of a byte, and the next base
            row.append(row[-1] * row[1] % modulus)
        base = row.pop()
        table.append(row)
    return table


def times_power(value: int, powers: Powers, exponent: bytes, modulus: int) -> int:
    """Multiply a residue by a power.

    Args:
        value: The residue.
        powers: Of the base.
        exponent: Little-endian, at most as long as `powers`.
        modulus: The modulus.

    Returns:
        The product.
    """
    for row, byte in zip(powers, exponent, strict=False):
        value = value * row[byte] % modulus
    return value
