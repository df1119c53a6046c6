"""Keys of a round. The secret stays with its owner; both parties have a say in the public key.

The party without the secret hides its results under a fresh encryption of zero. That hides them
from the owner of the secret too if one half of the public key is uniform. So that half comes from
seeds of both parties, of which the owner gets the other one before it makes its own.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from isthmus.crypto.keystream import mixed
from isthmus.crypto.lattice import residues, seal
from isthmus.crypto.lattice.parameters import SEAL_SEED_BYTES, Ring, polynomial_bytes
from isthmus.crypto.lattice.residues import Residues, Words, packed, unpacked
from isthmus.crypto.lattice.seal_context import Ciphertext, Plaintext


class SecretKey:
    """A key at the party that made it."""

    def __init__(self, ring: Ring, stored: bytes | None = None) -> None:
        """Draw a key, or take up one that another process of this party stored.

        Args:
            ring: The parameters.
            stored: What `stored` returned.
        """
        self.ring = ring
        self.context = seal.context(ring)
        if stored is None:
            self.secret = self.context.new_secret_key()
        else:
            shape = len(ring.primes), ring.degree
            self.secret = self.context.secret_key(np.frombuffer(stored, "<u8").reshape(shape))
        self._encryptor = self.context.encryptor(self.secret)

    def stored(self) -> bytes:
        """The secret, for another process of this party: never for another party."""
        return self._residues.tobytes()

    def public_half(self, uniform: Residues) -> bytes:
        """Make the half of a public key that belongs to the uniform half, packed.

        SEAL draws both halves (b, a) = (-a s - e, a). For another uniform half a', b + (a - a') s
        is -a' s - e: the same error, which SEAL drew.
        """
        primes = self.ring.primes
        half, drawn = self.context.new_public_key(self.secret)
        moved = residues.difference(drawn, uniform, primes)
        product = self.context.pointwise(moved, self._residues)
        return packed(residues.total(half, product, primes), primes)

    def encrypt(self, plaintext: Plaintext) -> bytes:
        """Encrypt, packed: `Ring.fresh_bytes`."""
        polynomial, seed = self.context.fresh(self._encryptor, plaintext)
        return packed(polynomial, self.ring.data_primes) + seed

    @cached_property
    def _residues(self) -> Residues:
        return self.context.secret_residues(self.secret)

    def constant_row(self) -> Words:
        """The row by which c1 is multiplied for the constant coefficient of c1 s, modulo 2^64."""
        secret = self._residues[: len(self.ring.data_primes)]
        both = self.context.ciphertext(np.stack([secret, secret]), transformed=True)
        residue = self.context.residues(self.context.transformed_back(both))[0, 0].astype(np.int64)
        signed = np.where(residue > 1, -1, residue)
        return np.concatenate([signed[:1], -signed[:0:-1]]).view(np.uint64)


class PublicKey:
    """A key at the other party: encrypts zero."""

    def __init__(self, ring: Ring, half: bytes | memoryview, uniform: Residues) -> None:
        """Put the halves of a public key together.

        Args:
            ring: The parameters.
            half: What `SecretKey.public_half` returned, as received.
            uniform: The uniform half.

        Raises:
            ValueError: `half` is no polynomial of the ring.
        """
        self.context = seal.context(ring)
        polynomial = unpacked(half, ring.degree, ring.primes)
        key = self.context.public_key(np.stack([polynomial, uniform]))
        self._encryptor = self.context.public_encryptor(key)

    def zero(self) -> Ciphertext:
        """A fresh encryption of zero."""
        return self.context.zero(self._encryptor)


def uniform_half(seeds: Sequence[bytes], number: int, ring: Ring) -> Residues:
    """The uniform half of a public key.

    Args:
        seeds: Seeds of the owner of the secret and of the other party, in this order.
        number: The number of the key in its round.
        ring: The parameters.

    Returns:
        Residues, transformed, shape (primes, degree).

    Raises:
        ValueError: A seed has another length.
    """
    key = mixed(seeds, f"uniform half of public key {number}")
    return residues.uniform(key, ring.degree, ring.primes)


def received(ring: Ring, data: bytes | memoryview) -> Ciphertext:
    """Read a fresh ciphertext of the other party.

    Args:
        ring: The parameters.
        data: What `SecretKey.encrypt` returned, as received.

    Returns:
        The ciphertext, transformed.

    Raises:
        ValueError: The bytes are no ciphertext of the ring.
    """
    if len(data) != ring.fresh_bytes:
        raise ValueError(f"a ciphertext has {ring.fresh_bytes} bytes, not {len(data)}")
    size = polynomial_bytes(ring.degree, ring.data_primes)
    polynomial = unpacked(data[:size], ring.degree, ring.data_primes)
    context = seal.context(ring)
    return context.transform(context.seeded(polynomial, bytes(data[size : size + SEAL_SEED_BYTES])))
