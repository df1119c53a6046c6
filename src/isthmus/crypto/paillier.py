"""Paillier's scheme on GMP, on any Python, and a reference in tests.

Paillier (EUROCRYPT 1999) with g = n + 1, and decryption modulo p^2 and q^2. Randomness is h^s for
an n-th power h and a random s of half the bits of n, as in Damgard, Jurik & Nielsen, "A
generalization of Paillier's public-key system" (2010), section 4.2: to tell h^s from a random n-th
power is as hard as to factor n. Every encryptor draws its own h, so that no key holder can choose
one that hides less. h never changes, so its powers are precomputed in a table.

Big integers are GMP's, primes OpenSSL's. The operations are not constant-time: do not run them
where an attacker can measure the time of single operations.
"""

import secrets
from collections.abc import Sequence
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric import rsa

from isthmus.crypto.fixed_width import (
    ciphertext_bytes,
    join,
    public_key_bytes,
    split,
)
from isthmus.crypto.integers import big, gcd, inverse, power
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


class PaillierPublicKey(ResidueKey):
    """Public key of Paillier: encrypts."""

    def __init__(self, n: int) -> None:
        """Make a key from a modulus that is already checked."""
        self.n = big(n)
        self.modulus = self.n**2

    @property
    def plaintext_bits(self) -> int:
        """Bits that a signed value may have, to be encrypted and added."""
        return self.n.bit_length() - 2

    @property
    def sum_bits(self) -> int:
        """Bits that a signed sum or product may have."""
        return self.plaintext_bits

    def encrypt(self, values: Sequence[int]) -> ResidueCiphertexts:
        """Encrypt signed integers, with fresh randomness."""
        powers = self._powers  # computed here, once, before the threads start
        return ResidueCiphertexts(
            self, spread(lambda value: self._encrypt(value, powers), values, CHUNK)
        )

    def dump(self) -> bytes:
        """Returns the bytes to send: the modulus."""
        return join([self.n], public_key_bytes("paillier", self.n.bit_length()))

    @property
    def ciphertext_bytes(self) -> int:
        """Bytes of a ciphertext on the wire."""
        return ciphertext_bytes("paillier", self.n.bit_length())

    @cached_property
    def _powers(self) -> Powers:
        x = secrets.randbelow(int(self.n))
        base = power(self.n - x * x % self.n, self.n, self.modulus)
        return powers_of(base, self.modulus, self.n.bit_length() // 16)

    def _encrypt(self, value: int, powers: Powers) -> int:
        exponent = secrets.token_bytes(len(powers))
        return times_power((1 + value * self.n) % self.modulus, powers, exponent, self.modulus)


class PaillierPrivateKey:
    """Private key of Paillier: decrypts."""

    def __init__(self, p: int, q: int) -> None:
        """Make a key from two primes of equal length."""
        self._public = PaillierPublicKey(p * q)
        self._p, self._q = big(p), big(q)
        # With g = n + 1, L_p(g^(p-1) mod p^2) = (p - 1) q = -q modulo p.
        self._h_p = inverse(-self._q, self._p)
        self._h_q = inverse(-self._p, self._q)
        self._p_inverse = inverse(self._p, self._q)

    @property
    def public(self) -> PaillierPublicKey:
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
        m_p = _logarithm(ciphertext, self._p) * self._h_p % self._p
        m_q = _logarithm(ciphertext, self._q) * self._h_q % self._q
        m = m_p + self._p * ((m_q - m_p) * self._p_inverse % self._q)  # Chinese remainder theorem
        return int(m if m <= self._public.n // 2 else m - self._public.n)


def generate(bits: int) -> PaillierPrivateKey:
    """Make a new key whose modulus has this number of bits."""
    while True:
        numbers = rsa.generate_private_key(65537, bits).private_numbers()
        p, q = numbers.p, numbers.q
        # The proof of the short exponents needs this; one pair of primes in six fulfils it.
        if p % 4 == q % 4 == 3 and gcd(p - 1, q - 1) == 2:  # noqa: PLR2004
            return PaillierPrivateKey(p, q)


def load_public(bits: int, data: bytes) -> PaillierPublicKey:
    """Decode a key that `PaillierPublicKey.dump` encoded at the other party.

    Args:
        bits: Size of the modulus that the job names.
        data: The bytes as received.

    Returns:
        The key.

    Raises:
        ValueError: The bytes are not a modulus of that size.
    """
    (n,) = split(data, 1, public_key_bytes("paillier", bits))
    if n.bit_length() != bits or n % 2 == 0:
        raise ValueError(f"the key is not a modulus of {bits} bits")
    return PaillierPublicKey(n)


def _logarithm(ciphertext: int, prime: int) -> int:
    return (power(ciphertext, prime - 1, prime**2) - 1) // prime
