"""Sums of products of several parties' numbers, row by row, in shares: nobody sees a sum.

One party has K numbers g of each row and a key (`FactorOwner`). The last of the other parties has K
numbers f and one more, f_0. Of every row these two get shares s and r, each uniform by itself, with

    s - r = f_0 + f_1 g_1 + ... + f_K g_K    modulo t, the prime of the slots.

Parties between them make other numbers of the g before that (`Multiplier.convert`): every h_j is a
number of their own plus a sum of their own numbers times g. So there is one product for each party
that has no key, on the way from the owner of the key to the last party.

1. Every multiplier draws a seed and sends it.
2. The owner makes a key for this time only, and sends the public one and its g in slots, encrypted.
3. Every multiplier on the way multiplies slot by slot, adds up, adds its own numbers and a fresh
   encryption of zero. One half of the public key comes from the seeds of all (keys.py), so that
   the result is a sample of ring learning with errors for all others, the owner of the key too.
4. The last one (`Multiplier.sums`) divides by the primes that it does not need any more, which
   keeps the message short. It adds a polynomial M, uniform modulo q, to c0, and sends both
   halves. Its share r is what M decrypts to: round(t/q M). To the owner c0 is uniform, whatever
   was multiplied, and so are phase and noise.
5. The owner decrypts: its share s is round(t/q (phase + M)).

Bounds, for K <= 32, slots N and m multipliers. The slots of one factor are a polynomial with N
coefficients of up to t / 2 = 2^54, and the noise of a fresh ciphertext is at most 21.5. K products
multiply the noise by K N 2^54 at most: by 2^72 for N = 8192, by 2^73 for N = 16384. Fresh zeros,
21 (1 + 2 N), are far below. All primes but two of 60 bits, q = 2^120, are divided away, and each
division adds (N + 1) / 2 by rounding at most. `residue_noise` has the sum: below 2^16.7.

So s - r is exact unless noise carries a coefficient over a boundary of rounding. M is uniform, so
that happens with a chance of at most 2 t/q 2^16.7 < 2^-47 for each coefficient, that is 2^-33 for a
chunk of 16,384 rows in the worst case. Then the shares of that chunk are those of random numbers.

Security: homomorphicencryption.org allows a q of 218 bits for N = 8192 and of 438 for N = 16384.
"""

import secrets
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from math import prod

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.crypto.lattice import residues, seal
from isthmus.crypto.lattice.keys import PublicKey, SecretKey, received, uniform_half
from isthmus.crypto.lattice.owner import new_seed
from isthmus.crypto.lattice.parameters import SEED_BYTES, SLOTS, Ring, polynomial_bytes
from isthmus.crypto.lattice.residues import packed, unpacked
from isthmus.crypto.lattice.seal_context import Ciphertext
from isthmus.crypto.lattice.slots import Layout

MOST_VALUES = 32
"""Products of a row at most: see the bounds."""

_PAIR = (1152921504606683137, 1152921504606748673)
_SPECIAL = 68718428161

_WIDE = (
    72057594037370881,
    72057594037338113,
    72057594036879361,
    72057594036551681,
    72057594036256769,
)
_NARROW = (4503599626682369, 4503599626321921, 4503599625830401, 4503599625535489)
_NARROWEST = (140737488125953, 140737487306753, 140737486716929)


def _long(primes: tuple[int, ...]) -> Ring:
    return Ring(degree=16384, primes=(*_PAIR, *primes, _SPECIAL), plain=SLOTS.plain, special=True)


RINGS = {1: SLOTS, 2: _long(_NARROWEST), 3: _long(_NARROW), 4: _long(_WIDE)}
"""The ring by the number of parties that multiply."""

_LEFT = 2
"""Primes that are left of the masked sums."""


class Terms:
    """What all parties know of a time, with the sizes of what crosses."""

    def __init__(self, rows: int, values: int, multipliers: int = 1) -> None:
        """Declare sizes.

        Args:
            rows: Number of rows.
            values: Numbers of a row that are multiplied.
            multipliers: Parties that multiply.

        Raises:
            ValueError: There are too many values or parties, or no rows.
        """
        if not 1 <= values <= MOST_VALUES:
            raise ValueError(f"{values} products of a row are not of 1 to {MOST_VALUES}")
        if multipliers not in RINGS:
            raise ValueError(f"{multipliers} parties that multiply are not of 1 to {max(RINGS)}")
        self.ring = RINGS[multipliers]
        self.multipliers = multipliers
        self.layout = Layout(rows, values, self.ring.degree, side_by_side=multipliers == 1)

    @property
    def chunks(self) -> list[slice]:
        """Rows of each chunk."""
        return self.layout.chunks

    @property
    def public_bytes(self) -> int:
        """Bytes of a public key and of its owner's seed."""
        return SEED_BYTES + self.ring.public_key_bytes

    @property
    def fresh_bytes(self) -> int:
        """Bytes of the encrypted numbers of a chunk, from the owner of the key."""
        return self.layout.ciphertexts * self.ring.fresh_bytes

    @property
    def converted_bytes(self) -> int:
        """Bytes of the encrypted numbers of a chunk, from another party."""
        return self.layout.ciphertexts * 2 * self.polynomial_bytes

    @property
    def polynomial_bytes(self) -> int:
        """Bytes of one polynomial with all primes."""
        return polynomial_bytes(self.ring.degree, self.ring.data_primes)

    @property
    def left(self) -> tuple[int, ...]:
        """Primes of the masked sums."""
        return self.ring.data_primes[:_LEFT]

    @property
    def masked_bytes(self) -> int:
        """Bytes of the masked sums of a chunk."""
        return 2 * polynomial_bytes(self.ring.degree, self.left)


def residue_noise(multipliers: int) -> Fraction:
    """Returns the most noise of the masked sums; see the bounds at the top of this file."""
    ring = RINGS[multipliers]
    zero = 21 * (1 + 2 * ring.degree) + 1
    noise = Fraction(43, 2)
    for _ in range(multipliers):
        noise = MOST_VALUES * ring.degree * Fraction(ring.plain, 2) * noise + zero
    for prime in reversed(ring.data_primes[_LEFT:]):
        noise = noise / prime + Fraction(ring.degree + 1, 2)
    return noise


def failure(multipliers: int) -> Fraction:
    """Returns the most chance that noise changes a coefficient of a share."""
    ring = RINGS[multipliers]
    return 2 * residue_noise(multipliers) * Fraction(ring.plain, prod(ring.data_primes[:_LEFT]))


class FactorOwner:
    """The party with a key, for one sum of each row."""

    def __init__(self, terms: Terms, seeds: Sequence[bytes]) -> None:
        """Make a key.

        Args:
            terms: Rows and products.
            seeds: Those of all multipliers, as received.

        Raises:
            ValueError: There are more or fewer, or one has another length.
        """
        _check_seeds(terms, seeds)
        self._terms = terms
        self._seed = new_seed()
        self._uniform = uniform_half((self._seed, *seeds), 0, terms.ring)
        self._key = SecretKey(terms.ring)

    def public(self) -> bytes:
        """Our seed and the public key: `Terms.public_bytes`."""
        return self._seed + self._key.public_half(self._uniform)

    def encrypt(self, factors: Integers) -> bytes:
        """Encrypt our numbers of a chunk.

        Args:
            factors: Shape (values, rows of the chunk), within t / 2.

        Returns:
            `Terms.fresh_bytes`.
        """
        context = seal.context(self._terms.ring)
        placed = self._terms.layout.placed(factors)
        return b"".join([self._key.encrypt(context.encoded(slots)) for slots in placed])

    def share(self, masked: bytes, rows: int) -> Integers:
        """Decrypt our share of the sums of a chunk.

        Args:
            masked: What `Multiplier.sums` returned, as received.
            rows: Rows of the chunk.

        Returns:
            From 0 to t - 1, shape (rows,).

        Raises:
            ValueError: The bytes are no masked sums.
        """
        terms = self._terms
        if len(masked) != terms.masked_bytes:
            raise ValueError(f"masked sums have {terms.masked_bytes} bytes, not {len(masked)}")
        half = terms.masked_bytes // 2
        polynomials = _polynomials((masked[:half], masked[half:]), terms.ring, terms.left)
        return terms.layout.added(_decrypted(self._key, polynomials), rows)


class Multiplier:
    """A party without a key, for one sum of each row."""

    def __init__(self, terms: Terms, seed: bytes) -> None:
        """Begin.

        Args:
            terms: Rows and products.
            seed: What we drew with `owner.new_seed` for this time only, and sent.
        """
        self._terms = terms
        self._seed = seed
        self._key: PublicKey | None = None

    def load(self, public: bytes, seeds: Sequence[bytes]) -> None:
        """Take the public key.

        Args:
            public: What `FactorOwner.public` returned, as received.
            seeds: Those of all multipliers, which the owner had before it made the key.

        Raises:
            ValueError: The bytes are no public key, or our seed is not among the others.
        """
        terms = self._terms
        _check_seeds(terms, seeds)
        if self._seed not in seeds:
            raise ValueError("our seed is not among those that the key was made with")
        if len(public) != terms.public_bytes:
            raise ValueError(f"a public key has {terms.public_bytes} bytes, not {len(public)}")
        uniform = uniform_half((public[:SEED_BYTES], *seeds), 0, terms.ring)
        self._key = PublicKey(terms.ring, public[SEED_BYTES:], uniform)

    def convert(self, encrypted: bytes, factors: Integers, constants: Integers) -> bytes:
        """Make other numbers of those of a chunk, and encrypt them afresh.

        Args:
            encrypted: From the party before us, as received.
            factors: Ours, shape (values, values, rows of the chunk), within t / 2: those of a
                result first.
            constants: What is added to each result, shape (values, rows of the chunk).

        Returns:
            `Terms.converted_bytes`.

        Raises:
            ValueError: The bytes are no encrypted numbers.
        """
        context = seal.context(self._terms.ring)
        inputs = self._inputs(encrypted)
        parts = list[bytes]()
        for factor, constant in zip(factors, constants, strict=True):
            result = self._sum(inputs, factor, constant)
            halves = context.residues(result)
            parts += [packed(half, self._terms.ring.data_primes) for half in halves]
        return b"".join(parts)

    def sums(
        self, encrypted: bytes, factors: Integers, constant: Integers
    ) -> tuple[bytes, Integers]:
        """Multiply the numbers of a chunk by ours, add up, and mask; once for each chunk.

        Args:
            encrypted: From the party before us, as received.
            factors: Ours, shape (values, rows of the chunk), within t / 2.
            constant: What is added, shape (rows of the chunk,), within t / 2.

        Returns:
            What to send, `Terms.masked_bytes`, and our share, from 0 to t - 1, shape (rows,).

        Raises:
            ValueError: The bytes are no encrypted numbers.
        """
        terms = self._terms
        context, left = seal.context(terms.ring), terms.left
        total = self._sum(self._inputs(encrypted), factors, constant)
        for _ in terms.ring.data_primes[_LEFT:]:
            context.drop_prime(total)
        c0, c1 = context.residues(total)
        mask = residues.uniform(secrets.token_bytes(SEED_BYTES), terms.ring.degree, left)
        masked = packed(residues.total(c0, mask, left), left) + packed(c1, left)
        rounded = _decrypted(self._rounding, np.stack([mask, np.zeros_like(mask)]))
        return masked, terms.layout.added(rounded, len(constant))

    @cached_property
    def _rounding(self) -> SecretKey:
        # Any key decrypts (M, 0) to the same: it only rounds.
        return SecretKey(self._terms.ring)

    def _inputs(self, encrypted: bytes) -> list[Ciphertext]:
        terms, count = self._terms, self._terms.layout.ciphertexts
        if len(encrypted) not in (terms.fresh_bytes, terms.converted_bytes):
            raise ValueError(
                f"numbers of a chunk have {terms.fresh_bytes} or {terms.converted_bytes} bytes, "
                f"not {len(encrypted)}"
            )
        size = len(encrypted) // count
        parts = [encrypted[at * size : (at + 1) * size] for at in range(count)]
        if len(encrypted) == terms.fresh_bytes:
            return [received(terms.ring, part) for part in parts]
        context, half = seal.context(terms.ring), terms.polynomial_bytes
        halves = [(part[:half], part[half:]) for part in parts]
        read = [_polynomials(each, terms.ring, terms.ring.data_primes) for each in halves]
        return [context.transform(context.ciphertext(each)) for each in read]

    def _sum(self, inputs: list[Ciphertext], factors: Integers, constant: Integers) -> Ciphertext:
        # A fresh encryption of our factors times the inputs, plus a constant.
        if self._key is None:
            raise ValueError("the public key comes first")
        context, total = seal.context(self._terms.ring), self._key.zero()
        placed = self._terms.layout.placed(factors)
        products = [
            context.product(each, context.factor(context.encoded(slots)))
            for each, slots in zip(inputs, placed, strict=True)
            if slots.any()
        ]
        if products:
            context.add(total, context.transformed_back(context.sum(products)))
        first_block = np.zeros(self._terms.ring.degree, np.int64)
        first_block[: len(constant)] = constant
        context.add_plaintext(total, context.encoded(first_block))
        return total


def _check_seeds(terms: Terms, seeds: Sequence[bytes]) -> None:
    if len(seeds) != terms.multipliers or any(len(seed) != SEED_BYTES for seed in seeds):
        sizes = ", ".join(str(len(seed)) for seed in seeds)
        raise ValueError(
            f"{terms.multipliers} seeds of {SEED_BYTES} bytes were due, not {len(seeds)} of {sizes}"
        )


def _polynomials(
    halves: tuple[bytes, bytes], ring: Ring, primes: tuple[int, ...]
) -> residues.Residues:
    return np.stack([unpacked(half, ring.degree, primes) for half in halves])


def _decrypted(key: SecretKey, polynomials: residues.Residues) -> Integers:
    context = seal.context(key.ring)
    decryptor = context.decryptor(key.secret)
    return context.decoded(context.decrypt(decryptor, context.ciphertext(polynomials)))
