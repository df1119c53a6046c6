"""Sums under BFV, which encrypts thousands of values at once: see `crypto/lattice`.

Keys are made for each product, and each opens few sums, so a product with many columns is
encrypted under several keys.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Integers
from isthmus.crypto.lattice import parameters, products
from isthmus.crypto.lattice.owner import Encryptor, Owner
from isthmus.crypto.radix import Quantised
from isthmus.vertical.regression.products.scheme import Declared

_PARTS = msgspec.msgpack.Decoder(list[bytes])


@dataclass(frozen=True)
class Bfv:
    """The kind of schemes that encrypt vectors; see `scheme.Kind`."""

    asked_rows: int
    """Rows of a block that the job asks for."""

    seed_bytes = parameters.SEED_BYTES
    key_per_product = True

    @property
    def block_rows(self) -> int:
        """Rows of a block: whole polynomials."""
        degree = parameters.EXACT_RING.degree
        return parameters.polynomials(self.asked_rows) * degree

    def owner(self, declared: Declared, seed: bytes) -> "BfvOwner":
        """Make the keys of a product."""
        return BfvOwner(Owner(sums_of(declared), seed))

    def encryptor(self, declared: Declared, stored: bytes) -> Encryptor:
        """Returns the keys of a product in another process of the value side."""
        return Encryptor(sums_of(declared), stored)

    def columns(self, declared: Declared, shard: Quantised, cache_bytes: int) -> "BfvColumns":
        """Prepare columns: they are transformed once, as far as `cache_bytes` go."""
        values = np.empty((len(shard), declared.columns), np.int16)
        for first in range(0, len(shard), self.block_rows):
            block = slice(first, first + self.block_rows)
            values[block] = shard[block].integers()
        return BfvColumns(values, sums_of(declared), self.block_rows, cache_bytes)

    def sums(self, declared: Declared, key: bytes, seed: bytes) -> "BfvSums":
        """Start a product at the column side."""
        return BfvSums(products.PublicKeys(sums_of(declared), key, seed))


class BfvOwner:
    """The keys of a product."""

    def __init__(self, owner: Owner) -> None:
        """Use new keys."""
        self._owner = owner

    def encrypt(self, values: Integers) -> bytes:
        """Encrypt a block of values."""
        return self._owner.encrypt(values)

    def public(self) -> bytes:
        """Returns the public keys."""
        return self._owner.public()

    def stored(self) -> bytes:
        """Returns the secrets, for our own workers."""
        return self._owner.encryptor.stored()

    def open(self, masked: bytes) -> bytes:
        """Decrypt masked sums, once."""
        return self._owner.open(masked)


class BfvColumns:
    """Columns of a shard."""

    def __init__(
        self,
        values: NDArray[np.int16],
        sums: parameters.Sums,
        block_rows: int,
        cache_bytes: int,
    ) -> None:
        """Prepare integers, shape (rows, columns)."""
        self._sums = sums
        self._columns = products.Columns(values, sums, block_rows, cache_bytes)

    def multiply(self, key: bytes, blocks: Iterable[bytes]) -> "BfvPart":
        """Multiply; it needs no key."""
        del key
        return BfvPart(self._sums, self._columns.multiply(blocks))


@dataclass(frozen=True)
class BfvPart:
    """Sums over the rows of a shard."""

    sums: parameters.Sums
    partial: products.Partial

    def dump(self) -> bytes:
        """Returns bytes for another process of ours."""
        return msgspec.msgpack.encode(self.partial.stored(self.sums))


class BfvSums:
    """The sums of one product."""

    def __init__(self, keys: products.PublicKeys) -> None:
        """Start with the keys of the value side."""
        self._keys = keys
        self._masks = list[int]()

    def load(self, part: bytes) -> BfvPart:
        """Returns the part that another process of ours has computed."""
        sums = self._keys.sums
        return BfvPart(sums, products.Partial.restored(sums, _PARTS.decode(part)))

    def finish(self, parts: Sequence[BfvPart]) -> bytes:
        """Add up, re-randomise and mask."""
        masked, self._masks = products.finish(self._keys, [part.partial for part in parts])
        return masked

    def unmask(self, opened: bytes) -> list[int]:
        """Take the masks off."""
        return products.unmask(self._keys.sums, opened, self._masks)


def sums_of(declared: Declared) -> parameters.Sums:
    """Returns the parameters of a product."""
    return parameters.Sums(
        declared.columns, declared.rows, declared.value_bits, declared.feature_bits
    )
