"""Okamoto and Uchiyama's scheme on GMP, on any processor.

n = p^2 q with p = t u + 1 for a prime t. A message m is G^m H^r modulo n, for a random r of as many
bits as t; modulo p^2, H has the order t, and G the order p t. So the power of t leaves G^(m t),
whose logarithm is easy to the owner of p. Okamoto and Uchiyama, "A new public-key cryptosystem as
secure as factoring" (EUROCRYPT 1998); the subgroup, with short exponents: Coron, Naccache and
Paillier, "Accelerating Okamoto-Uchiyama public-key cryptosystem" (Electronics Letters 1999).

Big integers are GMP's. The operations are not constant-time: do not run them where an attacker can
measure the time of single operations.
"""

import secrets
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from isthmus.crypto.fixed_width import (
    check_units,
    ciphertext_bytes,
    join,
    modulus_bytes,
    split,
    sum_bits,
)
from isthmus.crypto.integers import big, inverse, is_prime, power
from isthmus.crypto.residues import (
    CHUNK,
    Powers,
    ResidueCiphertexts,
    ResidueKey,
    powers_of,
    times_power,
    values_of,
)
from isthmus.crypto.scheme import Ciphertexts
from isthmus.crypto.threads import spread

_SCHEME: Final = "okamoto-uchiyama"
_PLAINTEXT_BYTES = 25
_PLAINTEXT_BITS = 192  # masked sums need 128; an exponent has its sign in a byte more

_SUBGROUP_BITS = ((7680, 384), (3072, 256), (0, 224))
"""Bits of t by the size of the modulus from which they are needed: twice its security (NIST SP
800-57, table 2)."""


class OkamotoUchiyamaPublicKey(ResidueKey):
    """Public key of Okamoto-Uchiyama: encrypts."""

    def __init__(self, bits: int, n: int, g: int, h: int) -> None:
        """Make a key from numbers that are already checked."""
        self.modulus, self._g, self._h = big(n), big(g), big(h)
        self._bits = bits
        self._lifts = dict[int, int]()

    @property
    def plaintext_bits(self) -> int:
        """Bits that a signed value may have, to be encrypted and added."""
        return _PLAINTEXT_BITS

    @property
    def sum_bits(self) -> int:
        """Bits that a signed sum or product may have."""
        return sum_bits(_SCHEME, self._bits)

    @property
    def numbers(self) -> tuple[int, int, int]:
        """n, G and H."""
        return self.modulus, self._g, self._h

    def encrypt(self, values: Sequence[int]) -> ResidueCiphertexts:
        """Encrypt signed integers, with fresh randomness."""
        size = max((value.bit_length() // 8 + 1 for value in values), default=1)
        lift, powers_g, powers_h = self._lift(size), self._powers_g, self._powers_h
        offset, n = 1 << (8 * size - 1), self.modulus

        def encrypt(value: int) -> int:
            exponent = int(value + offset).to_bytes(size, "little")
            raised = times_power(lift, powers_g, exponent, n)
            return times_power(raised, powers_h, secrets.token_bytes(len(powers_h)), n)

        return ResidueCiphertexts(self, spread(encrypt, values, CHUNK))

    def dump(self) -> bytes:
        """Returns the bytes to send: n, G and H."""
        return join(self.numbers, modulus_bytes(_SCHEME, self._bits))

    @property
    def ciphertext_bytes(self) -> int:
        """Bytes of a ciphertext on the wire."""
        return ciphertext_bytes(_SCHEME, self._bits)

    @cached_property
    def _powers_g(self) -> Powers:
        return powers_of(self._g, self.modulus, _PLAINTEXT_BYTES)

    @cached_property
    def _powers_h(self) -> Powers:
        return powers_of(self._h, self.modulus, randomness_bytes(self._bits))

    def _lift(self, size: int) -> int:
        """Returns what takes back the offset that makes exponents of so many bytes positive."""
        if size not in self._lifts:
            self._lifts[size] = power(self._g, -(1 << (8 * size - 1)), self.modulus)
        return self._lifts[size]


class OkamotoUchiyamaPrivateKey:
    """Private key of Okamoto-Uchiyama: decrypts."""

    def __init__(self, p: int, t: int, public: OkamotoUchiyamaPublicKey) -> None:
        """Make a key from its numbers."""
        self._p, self._t, self._square = big(p), big(t), big(p) ** 2
        self._public = public
        self._scale = inverse(self._logarithm(public.numbers[1]), self._p)

    @property
    def public(self) -> OkamotoUchiyamaPublicKey:
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
        return spread(self._decrypt, values_of(ciphertexts), CHUNK)

    def _decrypt(self, ciphertext: int) -> int:
        m = self._logarithm(ciphertext) * self._scale % self._p
        return int(m if m <= self._p // 2 else m - self._p)

    def _logarithm(self, residue: int) -> int:
        return (power(residue % self._square, self._t, self._square) - 1) // self._p


def generate(bits: int) -> OkamotoUchiyamaPrivateKey:
    """Make a new key whose modulus has this number of bits, or a few more."""
    return OkamotoUchiyamaPrivateKey(*draw(bits))


def draw(bits: int) -> tuple[int, int, OkamotoUchiyamaPublicKey]:
    """Draw the numbers of a new key.

    Args:
        bits: Size of the modulus.

    Returns:
        p, t, and the public key.
    """
    third, subgroup = (bits + 2) // 3, _subgroup_bits(bits)
    t = _prime(subgroup)
    while True:
        u = _random(third - subgroup + 2) & ~1  # even, as t is odd and p has to be
        if is_prime(t * u + 1):
            break
    p, q = t * u + 1, _prime(third + 1)
    n, square = p * p * q, p * p
    while True:
        g, h = secrets.randbelow(n), secrets.randbelow(n)
        if power(g, p - 1, square) != 1 and power(h, p - 1, p) == 1:
            break
    return p, t, OkamotoUchiyamaPublicKey(bits, n, power(g, u, n), power(h, n * u, n))


def load_public(bits: int, data: bytes) -> OkamotoUchiyamaPublicKey:
    """Decode a key that `OkamotoUchiyamaPublicKey.dump` encoded at the other party.

    Args:
        bits: Size of the modulus that the job names.
        data: The bytes as received.

    Returns:
        The key.

    Raises:
        ValueError: The bytes are not a key of that size.
    """
    width = modulus_bytes(_SCHEME, bits)
    n, g, h = split(data, 3, width)
    if not bits <= n.bit_length() <= 8 * width or n % 2 == 0:
        raise ValueError(f"the key is not a modulus of {bits} bits")
    check_units([g, h], n)
    return OkamotoUchiyamaPublicKey(bits, n, g, h)


def randomness_bytes(bits: int) -> int:
    """Returns the bytes of the randomness of a ciphertext, for the size of modulus in a job."""
    return _subgroup_bits(bits) // 8


def _subgroup_bits(bits: int) -> int:
    """Returns the bits of t, and of the randomness of a ciphertext."""
    return next(size for least, size in _SUBGROUP_BITS if bits >= least)


def _prime(bits: int) -> int:
    """Returns a random prime whose two highest bits are set: a product is then never short."""
    while not is_prime(found := _random(bits) | 1 << (bits - 2) | 1):
        pass
    return found


def _random(bits: int) -> int:
    """Returns a random number of exactly so many bits."""
    return secrets.randbits(bits - 1) | 1 << (bits - 1)
