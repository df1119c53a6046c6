"""Paillier's scheme on GMP: for Pythons that HEU has no wheel for, and the oracle of tests.

Paillier (EUROCRYPT 1999) with g = n + 1, and decryption modulo p^2 and q^2. Randomness is h^s for
an n-th power h and a random s of half the bits of n, as in Damgard, Jurik & Nielsen, "A
generalization of Paillier's public-key system" (2010), section 4.2, where h^s is told from a
random n-th power only by who can factor n. Every encryptor draws its own h, so that no key holder
can choose one that hides less. h never changes, so its powers are tabled.

Big integers are GMP's, primes OpenSSL's. Neither side is constant in time: do not run it where
someone can time single operations.
"""

import secrets
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, chain

from cryptography.hazmat.primitives.asymmetric import rsa

from isthmus.crypto.fixed_width import (
    check_units,
    ciphertext_bytes,
    join,
    public_key_bytes,
    split,
)
from isthmus.crypto.integers import big, gcd, inverse, power, product
from isthmus.crypto.scheme import Ciphertexts, Codes, check_codes
from isthmus.crypto.threads import spread

_CHUNK = 64  # encryptions or decryptions of a millisecond or more


class PaillierPublicKey:
    """Encrypts."""

    def __init__(self, n: int) -> None:
        """Wrap a modulus that was checked or made here."""
        self.n = big(n)
        self.square = self.n**2

    @property
    def plaintext_bits(self) -> int:
        """Signed values of up to this many bits survive encryption and addition."""
        return self.n.bit_length() - 2

    @property
    def sum_bits(self) -> int:
        """Signed sums and products of up to this many bits survive."""
        return self.plaintext_bits

    def encrypt(self, values: Sequence[int]) -> "PaillierCiphertexts":
        """Fresh, randomised encryptions of signed integers."""
        powers = self._powers  # made once, before threads need it
        return PaillierCiphertexts(
            self, spread(lambda value: self._encrypt(value, powers), values, _CHUNK)
        )

    def load(self, data: bytes, count: int) -> "PaillierCiphertexts":
        """Read what `PaillierCiphertexts.dump` wrote at the other party.

        Args:
            data: The bytes as they came.
            count: How many ciphertexts they must hold.

        Returns:
            The ciphertexts.

        Raises:
            ValueError: The bytes are not `count` valid ciphertexts under this key.
        """
        numbers = split(data, count, self.ciphertext_bytes)
        check_units(numbers, self.square)
        return self._ciphertexts(numbers)

    def restore(self, data: bytes) -> "PaillierCiphertexts":
        """Take up what `load` has read before and this process kept: nothing is checked again."""
        width = self.ciphertext_bytes
        return self._ciphertexts(split(data, len(data) // width, width))

    def dump(self) -> bytes:
        """Bytes to send: the modulus."""
        return join([self.n], public_key_bytes("paillier", self.n.bit_length()))

    @property
    def ciphertext_bytes(self) -> int:
        """Width of a ciphertext that travels."""
        return ciphertext_bytes("paillier", self.n.bit_length())

    def add(self, one: int, other: int) -> int:
        """Ciphertext of the sum of two."""
        return one * other % self.square

    @cached_property
    def _powers(self) -> list[list[int]]:
        """h^(256^i b) by i and b, so that the bytes of an exponent pick factors."""
        x = secrets.randbelow(int(self.n))
        base = power(self.n - x * x % self.n, self.n, self.square)
        table = list[list[int]]()
        for _ in range(self.n.bit_length() // 16):
            row = list(accumulate([base] * 255, self.add, initial=big(1)))
            table.append(row)
            base = self.add(row[-1], base)
        return table

    def _ciphertexts(self, numbers: list[int]) -> "PaillierCiphertexts":
        return PaillierCiphertexts(self, [big(number) for number in numbers])

    def _encrypt(self, value: int, powers: list[list[int]]) -> int:
        ciphertext = 1 + value * self.n
        for row, byte in zip(powers, secrets.token_bytes(len(powers)), strict=True):
            ciphertext = ciphertext * row[byte] % self.square
        return ciphertext


class PaillierCiphertexts:
    """A vector of ciphertexts under one public key."""

    def __init__(self, key: PaillierPublicKey, values: list[int]) -> None:
        """Wrap values below the square of the modulus."""
        self.values = values
        self._key = key

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> "PaillierCiphertexts":
        return PaillierCiphertexts(self._key, self.values[rows])

    def take(self, rows: Sequence[int]) -> "PaillierCiphertexts":
        """The elements at these positions, which may repeat."""
        return PaillierCiphertexts(self._key, [self.values[row] for row in rows])

    def join(self, others: Sequence["PaillierCiphertexts"]) -> "PaillierCiphertexts":
        """These elements, and after them those of the others."""
        every = chain.from_iterable([self.values, *(other.values for other in others)])
        return PaillierCiphertexts(self._key, list(every))

    def __add__(self, other: "PaillierCiphertexts") -> "PaillierCiphertexts":
        pairs = zip(self.values, other.values, strict=True)
        return PaillierCiphertexts(self._key, [self._key.add(*pair) for pair in pairs])

    def scale(self, factors: Sequence[int]) -> "PaillierCiphertexts":
        """Ciphertexts of the products with one plain, signed integer per element."""
        pairs = zip(self.values, factors, strict=True)
        powers = [power(value, factor, self._key.square) for value, factor in pairs]
        return PaillierCiphertexts(self._key, powers)

    def sum(self) -> "PaillierCiphertexts":
        """Ciphertext of the sum of all elements, as a vector of one."""
        return self.sums([range(len(self))])

    def sums(self, groups: Sequence[Sequence[int]]) -> "PaillierCiphertexts":
        """Ciphertexts of the sums of the elements at each group of positions; of none it is 0."""

        def add_up(group: Sequence[int]) -> int:
            return product((self.values[row] for row in group), self._key.square)

        return PaillierCiphertexts(self._key, spread(add_up, groups, _CHUNK))

    def bucket_sums(
        self, codes: Codes, buckets: int, *, cumulative: bool = False
    ) -> "PaillierCiphertexts":
        """Encrypted sums by bucket.

        Args:
            codes: Bucket of each row in each column, shape (rows, columns), in [0, buckets).
            buckets: Buckets per column, at most `MAX_BUCKETS`.
            cumulative: Add to each bucket all the buckets before it.

        Returns:
            A vector of columns * buckets, column by column. Not re-randomised.
        """
        check_codes(codes, len(self), buckets)

        def column_sums(column: list[int]) -> list[int]:
            sums = [big(1)] * buckets
            for value, bucket in zip(self.values, column, strict=True):
                sums[bucket] = self._key.add(sums[bucket], value)
            return list(accumulate(sums, self._key.add)) if cumulative else sums

        columns: list[list[int]] = codes.T.tolist()
        sums = spread(column_sums, columns, 1)
        return PaillierCiphertexts(self._key, list(chain.from_iterable(sums)))

    def dump(self) -> bytes:
        """Bytes to send: fixed-width numbers, one after the other."""
        return join(self.values, self._key.ciphertext_bytes)


class PaillierPrivateKey:
    """Decrypts. Made from two primes of equal length."""

    def __init__(self, p: int, q: int) -> None:
        """Wrap two primes."""
        self._public = PaillierPublicKey(p * q)
        self._p, self._q = big(p), big(q)
        # With g = n + 1, L_p(g^(p-1) mod p^2) = (p - 1) q = -q modulo p.
        self._h_p = inverse(-self._q, self._p)
        self._h_q = inverse(-self._p, self._q)
        self._p_inverse = inverse(self._p, self._q)

    @property
    def public(self) -> PaillierPublicKey:
        """The key to hand out."""
        return self._public

    def decrypt(self, ciphertexts: Ciphertexts) -> list[int]:
        """Decrypt. The caller refuses values out of the range it expects.

        Args:
            ciphertexts: Loaded or made with the public half of this key.

        Returns:
            The signed integers.

        Raises:
            TypeError: They are of another engine.
        """
        if not isinstance(ciphertexts, PaillierCiphertexts):
            raise TypeError("these ciphertexts are of another engine")
        return spread(self._decrypt, ciphertexts.values, _CHUNK)

    def _decrypt(self, ciphertext: int) -> int:
        m_p = _logarithm(ciphertext, self._p) * self._h_p % self._p
        m_q = _logarithm(ciphertext, self._q) * self._h_q % self._q
        m = m_p + self._p * ((m_q - m_p) * self._p_inverse % self._q)  # Chinese remainders
        return int(m if m <= self._public.n // 2 else m - self._public.n)


def generate(bits: int) -> PaillierPrivateKey:
    """A fresh key with a modulus of so many bits."""
    while True:
        numbers = rsa.generate_private_key(65537, bits).private_numbers()
        p, q = numbers.p, numbers.q
        # What the proof of the short exponents asks for; one pair of primes in six has it.
        if p % 4 == q % 4 == 3 and gcd(p - 1, q - 1) == 2:  # noqa: PLR2004
            return PaillierPrivateKey(p, q)


def load_public(bits: int, data: bytes) -> PaillierPublicKey:
    """Read what `PaillierPublicKey.dump` wrote at the other party.

    Args:
        bits: What the job says about the modulus.
        data: The bytes as they came.

    Returns:
        The key.

    Raises:
        ValueError: It is no modulus of that size.
    """
    (n,) = split(data, 1, public_key_bytes("paillier", bits))
    if n.bit_length() != bits or n % 2 == 0:
        raise ValueError(f"the key is not a modulus of {bits} bits")
    return PaillierPublicKey(n)


def _logarithm(ciphertext: int, prime: int) -> int:
    return (power(ciphertext, prime - 1, prime**2) - 1) // prime
