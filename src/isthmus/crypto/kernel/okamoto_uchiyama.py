"""Okamoto and Uchiyama's scheme on the compiled code, with the keys and the wire of gmpy2's.

For the same randomness, both make the same ciphertexts, to the bit: parties with either can work
together. Everybody encrypts modulo n, the owner of the key too: with the factors it would be
faster, but an error of memory in one of their tables would hand a factor to the other party.

The time of an encryption depends on the bytes of the longest value of a vector alone, that of a
decryption on nothing secret. The first and last steps in Python (values to bytes, a logarithm by
division) are short, but not that exact.
"""

import secrets
from collections.abc import Sequence
from itertools import chain
from weakref import finalize

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.crypto import okamoto_uchiyama
from isthmus.crypto.fixed_width import check_product, join, split
from isthmus.crypto.integers import big, inverse, power
from isthmus.crypto.kernel.field import Digits, Field, Rows
from isthmus.crypto.kernel.loading import library
from isthmus.crypto.okamoto_uchiyama import OkamotoUchiyamaPublicKey
from isthmus.crypto.scheme import Ciphertexts, Codes, check_codes

MAX_BITS = 3072
"""Longest key; with more, gmpy2 takes over."""


class KernelPublicKey:
    """Public key of Okamoto-Uchiyama: encrypts."""

    def __init__(self, bits: int, plain: OkamotoUchiyamaPublicKey) -> None:
        """Make a key of a size from one of gmpy2."""
        self.plain = plain
        self.field = Field(library(), int(plain.modulus))
        self._randomness = okamoto_uchiyama.randomness_bytes(bits)
        self._tables = dict[int, Rows]()

    @property
    def plaintext_bits(self) -> int:
        """Bits that a signed value may have, to be encrypted and added."""
        return self.plain.plaintext_bits

    @property
    def sum_bits(self) -> int:
        """Bits that a signed sum or product may have."""
        return self.plain.sum_bits

    @property
    def ciphertext_bytes(self) -> int:
        """Bytes of a ciphertext on the wire."""
        return self.plain.ciphertext_bytes

    def encrypt(self, values: Sequence[int]) -> "KernelCiphertexts":
        """Encrypt signed integers, with fresh randomness."""
        largest = max(max(values, default=0), -min(values, default=0))
        size = largest.bit_length() // 8 + 1 if largest else 0
        exponents = b"".join([int(value).to_bytes(size, "little", signed=True) for value in values])
        random = secrets.token_bytes(self._randomness * len(values))
        digits = np.hstack(
            [
                np.frombuffer(data, np.uint8).reshape(len(values), width)
                for data, width in ((random, self._randomness), (exponents, size))
            ]
        )
        if size:
            digits[:, -1] ^= 0x80  # adds half of the range: exponents are positive, see `_table`
        rows = self.field.powers(self._table(size), digits)
        digits.fill(0)
        return KernelCiphertexts(self, rows)

    def load(self, data: bytes, count: int) -> "KernelCiphertexts":
        """Decode ciphertexts that `KernelCiphertexts.dump` encoded at the other party.

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

    def load_residues(self, data: bytes, count: int) -> "KernelCiphertexts":
        """Decode ciphertexts like `load`, without the check that they are units.

        Args:
            data: The bytes as received.
            count: The number of ciphertexts that they must hold.

        Returns:
            The ciphertexts: `check_units` has to come before anything of them leaves.

        Raises:
            ValueError: The bytes are not `count` numbers within the modulus.
        """
        width = self.ciphertext_bytes
        if count < 1 or len(data) != count * width:
            raise ValueError(f"{len(data)} bytes are not {count} numbers of {width} bytes")
        n = int(self.plain.modulus)
        numbers = np.frombuffer(data, f"S{width}")  # big-endian: in the order of their bytes
        if not ((numbers > b"") & (numbers < n.to_bytes(width, "big"))).all():
            raise ValueError("a number is not within the modulus")
        return self.restore(data)

    def check_units(self, ciphertexts: Ciphertexts) -> None:
        """Refuse ciphertexts that are not all units, or sums of such.

        Args:
            ciphertexts: From `load_residues`, or sums that every one of these is part of.

        Raises:
            ValueError: A number is not invertible.
        """
        check_product(int.from_bytes(ciphertexts.sum().dump()), int(self.plain.modulus))

    def restore(self, data: bytes) -> "KernelCiphertexts":
        """Decode ciphertexts that `load` has already checked, without checking them again."""
        return KernelCiphertexts(self, self.field.enter(data, self.ciphertext_bytes))

    def dump(self) -> bytes:
        """Returns the bytes to send: n, G and H."""
        return self.plain.dump()

    def _table(self, size: int) -> Rows:
        """Returns the powers of H for bytes of randomness, and of G for bytes of plaintext."""
        if size not in self._tables:
            n, g, h = (int(number) for number in self.plain.numbers)
            if not size:
                self._tables[size] = self.field.table(h, self._randomness)
            else:
                lift = int(power(g, -(1 << (8 * size - 1)), n))
                powers_of_g = self.field.table(g, size, lift)
                self._tables[size] = np.concatenate([self._table(0), powers_of_g])
        return self._tables[size]


class KernelCiphertexts:
    """A vector of ciphertexts under one public key."""

    def __init__(self, key: KernelPublicKey, rows: Rows) -> None:
        """Make a vector of rows."""
        self.rows = rows
        self._key = key

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: slice) -> "KernelCiphertexts":
        return KernelCiphertexts(self._key, np.ascontiguousarray(self.rows[rows]))

    def take(self, rows: Sequence[int]) -> "KernelCiphertexts":
        """Returns the elements at these positions, which may repeat."""
        return KernelCiphertexts(self._key, self.rows[np.asarray(rows, np.intp)])

    def join(self, others: Sequence["KernelCiphertexts"]) -> "KernelCiphertexts":
        """Concatenate these elements and those of the others."""
        every = np.concatenate([self.rows, *(other.rows for other in others)])
        return KernelCiphertexts(self._key, every)

    def __add__(self, other: "KernelCiphertexts") -> "KernelCiphertexts":
        return KernelCiphertexts(self._key, self._key.field.times(self.rows, other.rows))

    def scale(self, factors: Sequence[int]) -> "KernelCiphertexts":
        """Multiply each element by a plain, signed integer."""
        if shift := _common_shift(factors, len(self)):
            return KernelCiphertexts(self._key, self._key.field.squares(self.rows, shift))
        n, width = int(self._key.plain.modulus), self._key.ciphertext_bytes
        pairs = zip(self.residues(), factors, strict=True)
        scaled = join([power(residue, factor, n) for residue, factor in pairs], width)
        return self._key.restore(scaled)

    def sum(self) -> "KernelCiphertexts":
        """Returns the sum of all elements, as a vector of length one."""
        return self.list_sums(np.arange(len(self)), np.array([0, len(self)]))

    def sums(self, groups: Sequence[Sequence[int]]) -> "KernelCiphertexts":
        """Returns the sum of the elements of each group of positions; 0 for an empty group."""
        starts = np.cumsum([0, *map(len, groups)])
        positions = np.fromiter(chain.from_iterable(groups), np.int64, starts[-1])
        return self.list_sums(positions, starts)

    def list_sums(self, positions: Integers, starts: Integers) -> "KernelCiphertexts":
        """Returns the same for many groups: positions list after list, and where each starts.

        Args:
            positions: Of elements, which may repeat.
            starts: Where each list starts in `positions`, and where the last one ends.

        Returns:
            A sum for each list.
        """
        return KernelCiphertexts(self._key, self._key.field.sums(self.rows, positions, starts))

    def bucket_sums(
        self, codes: Codes, buckets: int, *, cumulative: bool = False
    ) -> "KernelCiphertexts":
        """Returns the sums by bucket.

        Args:
            codes: Bucket of each row in each column, shape (rows, columns), in [0, buckets).
            buckets: Buckets per column, at most `MAX_BUCKETS`.
            cumulative: Add to each bucket all buckets before it.

        Returns:
            A vector of columns * buckets, column by column. Not re-randomised.
        """
        check_codes(codes, len(self), buckets)
        by_bucket = np.argsort(codes.T, axis=1, kind="stable")
        counts = [np.bincount(column, minlength=buckets) for column in codes.T]
        sums = self.list_sums(by_bucket.ravel(), np.append(0, np.cumsum(counts)))
        if not cumulative:
            return sums
        running = sums.rows.reshape(-1, buckets, self.rows.shape[1])
        for bucket in range(1, buckets):
            before = np.ascontiguousarray(running[:, bucket - 1])
            bucket_rows = np.ascontiguousarray(running[:, bucket])
            running[:, bucket] = self._key.field.times(before, bucket_rows)
        return sums

    def residues(self) -> list[int]:
        """Returns the numbers that the wire has."""
        return split(self.dump(), len(self), self._key.ciphertext_bytes)

    def dump(self) -> bytes:
        """Returns the bytes to send: fixed-width numbers, one after the other."""
        return self._key.field.leave(self.rows, self._key.ciphertext_bytes)


class KernelPrivateKey:
    """Private key of Okamoto-Uchiyama: decrypts.

    What the compiled code reads of it is overwritten when nobody uses the key any more; Python's
    integers cannot be.
    """

    def __init__(self, p: int, t: int, public: KernelPublicKey) -> None:
        """Make a key from its numbers."""
        self._public, self._p, self._field = public, big(p), Field(library(), int(p) ** 2)
        self._exponent = np.array([int(digit, 16) for digit in f"{int(t):x}"], np.uint8)
        finalize(self, _wipe, self._field, self._exponent)
        g = int(public.plain.numbers[1]).to_bytes(public.ciphertext_bytes, "big")
        self._scale = inverse(self._logarithms(g)[0], self._p)

    @property
    def public(self) -> KernelPublicKey:
        """The public key, to send to others."""
        return self._public

    def decrypt(self, ciphertexts: Ciphertexts) -> list[int]:
        """Decrypt. The caller must refuse values out of the range that it expects.

        Args:
            ciphertexts: Loaded or made with the public key of this key.

        Returns:
            The signed integers.

        Raises:
            TypeError: The ciphertexts are of another engine.
        """
        if not isinstance(ciphertexts, KernelCiphertexts):
            raise TypeError("these ciphertexts are of another engine")
        p, scale = self._p, self._scale
        values = [x * scale % p for x in self._logarithms(ciphertexts.dump())]
        return [int(value if value <= p // 2 else value - p) for value in values]

    def _logarithms(self, data: bytes) -> list[int]:
        """Returns (c^t mod p^2 - 1) / p of plain ciphertexts c: their value times a constant."""
        width = self._public.ciphertext_bytes
        powers = self._field.power(self._field.enter(data, width), self._exponent)
        numbers = split(self._field.leave(powers, width), len(powers), width)
        return [(big(number) - 1) // self._p for number in numbers]


def generate(bits: int) -> KernelPrivateKey:
    """Make a new key whose modulus has this number of bits, at most `MAX_BITS`, or a few more."""
    p, t, public = okamoto_uchiyama.draw(bits)
    return KernelPrivateKey(p, t, KernelPublicKey(bits, public))


def load_public(bits: int, data: bytes) -> KernelPublicKey:
    """Decode a key that `dump` encoded at the other party, whichever engine it has.

    Args:
        bits: Size of the modulus that the job names, at most `MAX_BITS`.
        data: The bytes as received.

    Returns:
        The key.

    Raises:
        ValueError: The bytes are not a key of that size.
    """
    return KernelPublicKey(bits, okamoto_uchiyama.load_public(bits, data))


def _common_shift(factors: Sequence[int], count: int) -> int:
    """Returns k where all `count` factors are 2^k, as in packing; otherwise 0."""
    first = factors[0] if len(factors) == count > 0 else 0
    power_of_two = first > 0 and not first & (first - 1)
    return first.bit_length() - 1 if power_of_two and set(factors) == {first} else 0


def _wipe(field: Field, exponent: Digits) -> None:
    field.wipe()
    exponent.fill(0)
