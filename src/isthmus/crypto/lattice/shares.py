"""Sums of products of two parties' numbers, row by row, in shares: nobody sees a sum.

One party has K numbers g of each row and a key (`FactorOwner`), the other one K numbers f and one
more, f_0 (`Multiplier`). Of every row they get shares s and r, each uniform by itself, with

    s - r = f_0 + f_1 g_1 + ... + f_K g_K    modulo t, the prime of `SLOTS`.

1. The multiplier draws a seed and sends it.
2. The owner makes a key for this time only, and sends the public one and its g in slots, encrypted.
3. The multiplier multiplies slot by slot, adds up, adds f_0 and a fresh encryption of zero, and
   divides by one of the primes, which keeps the message short. It adds a polynomial M, uniform
   modulo q, to c0, and sends both halves. Its share r is what M decrypts to: round(t/q M).
4. The owner decrypts: its share s is round(t/q (phase + M)).

To the owner c0 is uniform, whatever was multiplied. c1 is hidden by the fresh zero: one half of the
public key comes from seeds of both parties (keys.py). The multiplier sees ciphertexts only.

Bounds, with N = 8192 and q = 2^180 before the division, and 2^120 after it. The slots of f are a
polynomial with N coefficients of up to t / 2 = 2^54, and the noise of a fresh ciphertext is at most
21.5. K products have at most K N 2^54 21.5 < K 2^71.5, and the fresh zero 21 (1 + 2 N) is far
below. The division leaves K 2^11.5, and adds (N + 1) / 2 by rounding: for K <= 32 less than 2^16.6.

So s - r is exact unless noise carries a coefficient over a boundary of rounding. M is uniform, so
that happens with a chance of at most 2 t/q 2^16.6 < 2^-47 for each coefficient, that is 2^-34 for a
chunk of 8,192 rows in the worst case. Then the shares of that chunk are those of random numbers.
"""

import secrets

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.crypto.lattice import residues, seal
from isthmus.crypto.lattice.keys import PublicKey, SecretKey, received, uniform_half
from isthmus.crypto.lattice.owner import new_seed
from isthmus.crypto.lattice.parameters import SEED_BYTES, SLOTS, polynomial_bytes
from isthmus.crypto.lattice.residues import packed, unpacked
from isthmus.crypto.lattice.slots import Layout

MOST_VALUES = 32
"""Products of a row at most: see the bounds."""

PUBLIC_BYTES = SEED_BYTES + SLOTS.public_key_bytes
"""Bytes of a public key and of its owner's seed."""

_LEFT = SLOTS.data_primes[:-1]
_HALF_BYTES = polynomial_bytes(SLOTS.degree, _LEFT)

MASKED_BYTES = 2 * _HALF_BYTES
"""Bytes of the masked sums of a chunk."""


def chunk_bytes(layout: Layout) -> int:
    """Returns the bytes of the encrypted numbers of a chunk."""
    return layout.ciphertexts * SLOTS.fresh_bytes


class FactorOwner:
    """The party with a key, for one sum of each row."""

    def __init__(self, layout: Layout, theirs: bytes) -> None:
        """Make a key.

        Args:
            layout: Rows and products.
            theirs: The seed of the other party, as received.

        Raises:
            ValueError: The seed has another length.
        """
        if len(theirs) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes, not {len(theirs)}")
        _check(layout)
        self._layout = layout
        self._seed = new_seed()
        self._uniform = uniform_half((self._seed, theirs), 0, SLOTS)
        self._key = SecretKey(SLOTS)

    def public(self) -> bytes:
        """Our seed and the public key: `PUBLIC_BYTES`."""
        return self._seed + self._key.public_half(self._uniform)

    def encrypt(self, factors: Integers) -> bytes:
        """Encrypt our numbers of a chunk.

        Args:
            factors: Shape (values, rows of the chunk), within t / 2.

        Returns:
            `chunk_bytes`.
        """
        context = seal.context(SLOTS)
        placed = self._layout.placed(factors)
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
        if len(masked) != MASKED_BYTES:
            raise ValueError(f"masked sums have {MASKED_BYTES} bytes, not {len(masked)}")
        halves = masked[:_HALF_BYTES], masked[_HALF_BYTES:]
        polynomials = np.stack([unpacked(half, SLOTS.degree, _LEFT) for half in halves])
        return self._layout.added(_decrypted(self._key, polynomials), rows)


class Multiplier:
    """The other party, for one sum of each row."""

    def __init__(self, layout: Layout) -> None:
        """Draw a seed.

        Args:
            layout: Rows and products.
        """
        _check(layout)
        self._layout = layout
        self.seed = new_seed()
        self._key: PublicKey | None = None
        # Any key decrypts (M, 0) to the same: it only rounds.
        self._rounding = SecretKey(SLOTS)

    def load(self, public: bytes) -> None:
        """Take the public key.

        Args:
            public: What `FactorOwner.public` returned, as received.

        Raises:
            ValueError: The bytes are no public key.
        """
        if len(public) != PUBLIC_BYTES:
            raise ValueError(f"a public key has {PUBLIC_BYTES} bytes, not {len(public)}")
        uniform = uniform_half((public[:SEED_BYTES], self.seed), 0, SLOTS)
        self._key = PublicKey(SLOTS, public[SEED_BYTES:], uniform)

    def sums(
        self, encrypted: bytes, factors: Integers, constant: Integers
    ) -> tuple[bytes, Integers]:
        """Multiply the numbers of a chunk by ours, add up, and mask; once for each chunk.

        Args:
            encrypted: What `FactorOwner.encrypt` returned, as received.
            factors: Ours, shape (values, rows of the chunk), within t / 2.
            constant: What is added, shape (rows of the chunk,), within t / 2.

        Returns:
            What to send, `MASKED_BYTES`, and our share, from 0 to t - 1, shape (rows,).

        Raises:
            ValueError: The bytes are no encrypted numbers.
        """
        if self._key is None:
            raise ValueError("the public key comes first")
        if len(encrypted) != chunk_bytes(self._layout):
            raise ValueError(
                f"numbers of a chunk have {chunk_bytes(self._layout)} bytes, not {len(encrypted)}"
            )
        context, total = seal.context(SLOTS), self._key.zero()
        products = list[seal.Ciphertext]()
        for number, slots in enumerate(self._layout.placed(factors)):
            data = encrypted[number * SLOTS.fresh_bytes :][: SLOTS.fresh_bytes]
            ciphertext = received(SLOTS, data)
            if slots.any():
                products.append(context.product(ciphertext, context.factor(context.encoded(slots))))
        if products:
            context.add(total, context.transformed_back(context.sum(products)))
        first_block = Layout(self._layout.rows, 1).placed(constant[np.newaxis])[0]
        context.add_plaintext(total, context.encoded(first_block))
        context.drop_prime(total)
        c0, c1 = context.residues(total)
        mask = residues.uniform(secrets.token_bytes(SEED_BYTES), SLOTS.degree, _LEFT)
        masked = packed(residues.total(c0, mask, _LEFT), _LEFT) + packed(c1, _LEFT)
        ours = _decrypted(self._rounding, np.stack([mask, np.zeros_like(mask)]))
        return masked, self._layout.added(ours, len(constant))


def _check(layout: Layout) -> None:
    if layout.values > MOST_VALUES:
        raise ValueError(f"{layout.values} products of a row are more than {MOST_VALUES}")


def _decrypted(key: SecretKey, polynomials: residues.Residues) -> Integers:
    context = seal.context(SLOTS)
    decryptor = context.decryptor(key.secret)
    return context.decoded(context.decrypt(decryptor, context.ciphertext(polynomials)))
