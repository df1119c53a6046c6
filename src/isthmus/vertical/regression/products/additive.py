"""Sums under a scheme that adds single numbers: Okamoto-Uchiyama or Paillier.

Each value is a ciphertext of its own, and the columns are multiplied by additions (`radix`). One
key serves a whole run. See `sum_masks` for why neither side learns more than it should.
"""

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.crypto import keys, radix
from isthmus.crypto.encryption import Encryption, Engine
from isthmus.crypto.radix import Quantised
from isthmus.crypto.scheme import Ciphertexts, PublicKey
from isthmus.crypto.sum_masks import SUM_BITS, masks_under
from isthmus.vertical.regression.products.scheme import Declared


@dataclass(frozen=True)
class Additive:
    """The kind of schemes that add single numbers; see `scheme.Kind`."""

    encryption: Encryption
    engine: Engine
    asked_rows: int
    """Rows of a block that the job asks for."""

    seed_bytes = 0
    key_per_product = False

    @property
    def block_rows(self) -> int:
        """Rows of a block."""
        return self.asked_rows

    def owner(self, declared: Declared, seed: bytes) -> "AdditiveOwner":
        """Make a key; it needs no seed."""
        del seed
        _check(declared)
        return AdditiveOwner(self.encryption, self.engine, declared)

    def encryptor(self, declared: Declared, stored: bytes) -> "AdditiveEncryptor":
        """Returns the public key, in another process of the value side."""
        return AdditiveEncryptor(self.load(stored), declared)

    def columns(self, declared: Declared, shard: Quantised, cache_bytes: int) -> "AdditiveColumns":
        """Prepare columns: they are kept as they are."""
        del declared, cache_bytes
        return AdditiveColumns(self, shard)

    def sums(self, declared: Declared, key: bytes, seed: bytes) -> "AdditiveSums":
        """Start a product at the column side."""
        del seed
        _check(declared)
        return AdditiveSums(self.encryption, self.load(key), declared)

    def load(self, key: bytes) -> PublicKey:
        """Returns the public key that came from the value side, checked."""
        return keys.load_public(self.encryption.scheme, self.engine, self.encryption.key_bits, key)


class AdditiveEncryptor:
    """A public key in any process of the value side."""

    def __init__(self, key: PublicKey, declared: Declared) -> None:
        """Use a key for values as declared."""
        self._key = key
        self._most = 1 << (declared.value_bits or 0)

    def encrypt(self, values: Integers) -> bytes:
        """Encrypt each value.

        Args:
            values: Shape (rows of a block,).

        Returns:
            The ciphertexts.

        Raises:
            ValueError: A value is beyond what was declared.
        """
        if int(np.abs(values).max()) > self._most:
            raise ValueError("a value is beyond what was declared")
        plain: list[int] = values.tolist()
        return self._key.encrypt(plain).dump()


class AdditiveOwner:
    """A private key."""

    def __init__(self, encryption: Encryption, engine: Engine, declared: Declared) -> None:
        """Make a new key."""
        self._key = keys.generate(encryption.scheme, engine, encryption.key_bits)
        self._masks = masks_under(encryption.scheme, self._key.public)
        self._count = declared.columns
        self._encryptor = AdditiveEncryptor(self._key.public, declared)

    def encrypt(self, values: Integers) -> bytes:
        """Encrypt each value, in this process."""
        return self._encryptor.encrypt(values)

    def public(self) -> bytes:
        """Returns the public key."""
        return self._key.public.dump()

    def stored(self) -> bytes:
        """Returns the public key: it is all that encryption needs."""
        return self._key.public.dump()

    def open(self, masked: bytes) -> bytes:
        """Decrypt masked sums, and refuse values that would give the key away."""
        return self._masks.answers(self._key.decrypt(self._key.public.load(masked, self._count)))


class AdditiveColumns:
    """Columns of a shard."""

    def __init__(self, kind: Additive, shard: Quantised) -> None:
        """Use quantised columns as they are."""
        self._kind = kind
        self._shard = shard
        self._key: tuple[bytes, PublicKey] | None = None

    def multiply(self, key: bytes, blocks: Iterable[bytes]) -> Ciphertexts:
        """Multiply the columns by the values of the shard's rows, and add up."""
        if self._key is None or self._key[0] != key:
            self._key = key, self._kind.load(key)
        return reduce(operator.add, self._products(self._key[1], blocks))

    def _products(self, key: PublicKey, blocks: Iterable[bytes]) -> Iterator[Ciphertexts]:
        size = self._kind.block_rows
        for number, block in enumerate(blocks):
            rows = self._shard[number * size : (number + 1) * size]
            yield radix.products(key.load(block, len(rows)), rows)


class AdditiveSums:
    """The sums of one product."""

    def __init__(self, encryption: Encryption, key: PublicKey, declared: Declared) -> None:
        """Start with a key of the value side."""
        self._key = key
        self._masks = masks_under(encryption.scheme, key)
        self._count = declared.columns

    def load(self, part: bytes) -> Ciphertexts:
        """Returns the part that another process of ours has computed."""
        return self._key.restore(part)

    def finish(self, parts: Sequence[Ciphertexts]) -> bytes:
        """Add up and mask: to add freshly encrypted masks also re-randomises the ciphertexts."""
        return (reduce(operator.add, parts) + self._encrypted(self._drawn)).dump()

    def unmask(self, opened: bytes) -> list[int]:
        """Take the masks off."""
        return self._masks.unmask(opened, self._drawn)

    @cached_property
    def _drawn(self) -> list[int]:
        return self._masks.draw(self._count)

    def _encrypted(self, masks: Sequence[int]) -> Ciphertexts:
        """Encrypt numbers that are wider than a value may be, digit by digit from the top."""
        bits = self._key.plaintext_bits - 1
        digits = max(mask.bit_length() for mask in masks) // bits
        total = self._key.encrypt([mask >> digits * bits for mask in masks])
        for digit in reversed(range(digits)):
            lower = [(mask >> digit * bits) & ((1 << bits) - 1) for mask in masks]
            total = total.scale([1 << bits] * len(masks)) + self._key.encrypt(lower)
        return total


def _check(declared: Declared) -> None:
    if declared.value_bits is None:
        raise ValueError("this scheme has no sums modulo a prime")
    most = declared.value_bits + declared.feature_bits + (declared.rows - 1).bit_length()
    if most > SUM_BITS:
        raise ValueError(f"sums of {declared.rows} rows may have {most} bits, and {SUM_BITS} fit")
