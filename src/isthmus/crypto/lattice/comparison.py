"""Whether one party's number is greater than the other's, row by row, and nothing else.

After Damgard, Geisler & Kroigaard, "Efficient and secure comparison for on-line auctions" (ACISP
2007), with rows in slots. One party has numbers b and a key (`Comparable`), the other one numbers x
(`Comparer`); it learns b > x for each row, the first party learns nothing.

1. Both write twice their numbers in bits, the second party plus 1, so that none are equal. The
   first sends its bits b_i under encryption.
2. The second draws a coin s = +1 or -1 for each row. For every position i,

       c_i = s + x_i - b_i + 3 sum_{j > i} (x_j xor b_j)

   is 0 for one i if s = 1 and b > x, or if s = -1 and x > b; else for none. It is linear in b.
   The second party multiplies each c_i by a random number that is not zero, puts the positions
   into a random order, both row by row, and hides the noise (`comparison_parameters.py`).
3. The first party decrypts, and says of each row whether there is a 0: a fair coin to it. What is
   not 0 is uniform.
4. The second party takes its coin off.

Both are expected to follow the protocol. A second party that does not learns one bit of each row
all the same, of its own choice; a first party that does not makes decisions wrong.
"""

import secrets

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools, Integers
from isthmus.crypto.lattice.comparison_parameters import (
    BITS_BYTES,
    FLOOD_BITS,
    NUMBER_BITS,
    POSITIONS,
    PRODUCTS_BYTES,
    PUBLIC_BYTES,
    RING,
    SLOTS,
)
from isthmus.crypto.lattice.keys import PublicKey, SecretKey, received, uniform_half
from isthmus.crypto.lattice.owner import new_seed
from isthmus.crypto.lattice.parameters import SEED_BYTES, polynomial_bytes
from isthmus.crypto.lattice.residues import Residues, packed, total, unpacked
from isthmus.crypto.lattice.seal_context import Ciphertext

_FIRST_BITS = 59  # of the flood; a residue of 60 bits, moved by three, fits into 63
_STEP_BITS = 3


class Comparable:
    """The party whose numbers are compared, and who has the key."""

    def __init__(self, theirs: bytes) -> None:
        """Make a key for some rows.

        Args:
            theirs: The seed of the other party.

        Raises:
            ValueError: The seed has another length.
        """
        self._seed = new_seed()
        self._uniform = uniform_half((self._seed, theirs), 0, RING)
        self._key = SecretKey(RING)
        self._context = self._key.context

    def public(self) -> bytes:
        """The public key and our seed: `PUBLIC_BYTES`."""
        return self._seed + self._key.public_half(self._uniform)

    def encrypt(self, numbers: Integers) -> bytes:
        """Encrypt the bits of numbers.

        Args:
            numbers: Shape (rows,), up to `SLOTS` of them.

        Returns:
            `BITS_BYTES`.

        Raises:
            ValueError: There are too many, or one is out of range.
        """
        bits = _bits(2 * _padded(numbers))
        return b"".join(self._key.encrypt(self._context.encoded(position)) for position in bits)

    def zeros(self, products: bytes, rows: int) -> Bools:
        """Decrypt what the other party made of our numbers.

        Args:
            products: What `Comparer.products` returned, as received.
            rows: Number of rows.

        Returns:
            Whether there is a 0 in a row, shape (rows,).

        Raises:
            ValueError: The bytes are no such products.
        """
        if len(products) != PRODUCTS_BYTES:
            raise ValueError(f"products have {PRODUCTS_BYTES} bytes, not {len(products)}")
        decryptor = self._context.decryptor(self._key.secret)
        size = polynomial_bytes(RING.degree, RING.data_primes)
        found = np.zeros(SLOTS, np.bool_)
        for start in range(0, PRODUCTS_BYTES, 2 * size):
            halves = (products[at : at + size] for at in (start, start + size))
            read = np.stack([unpacked(half, RING.degree, RING.data_primes) for half in halves])
            opened = self._context.decrypt(decryptor, self._context.ciphertext(read))
            found |= self._context.decoded(opened) == 0
        return found[:rows]


class Comparer:
    """The party that learns, row by row, whether the other one's number is greater than its own."""

    def __init__(self, numbers: Integers) -> None:
        """Prepare the numbers of rows.

        Args:
            numbers: Shape (rows,), up to `SLOTS` of them.

        Raises:
            ValueError: There are too many, or one is out of range.
        """
        self.seed = new_seed()
        self._rows = len(numbers)
        self._bits = _bits(2 * _padded(numbers) + 1)
        self._coins = _draw(2, (SLOTS,)) == 1

    def products(self, public: bytes, encrypted: bytes) -> bytes:
        """Multiply the other party's bits.

        Args:
            public: What `Comparable.public` returned, as received.
            encrypted: What `Comparable.encrypt` returned, as received.

        Returns:
            `PRODUCTS_BYTES`.

        Raises:
            ValueError: The bytes are no key, or no encrypted bits.
        """
        if len(public) != PUBLIC_BYTES or len(encrypted) != BITS_BYTES:
            raise ValueError(
                f"a key and bits have {PUBLIC_BYTES} and {BITS_BYTES} bytes, not {len(public)} and "
                f"{len(encrypted)}"
            )
        uniform = uniform_half((public[:SEED_BYTES], self.seed), 0, RING)
        key = PublicKey(RING, public[SEED_BYTES:], uniform)
        inputs = [
            received(RING, encrypted[at : at + RING.fresh_bytes])
            for at in range(0, BITS_BYTES, RING.fresh_bytes)
        ]
        linear, constant = self._forms()
        order = np.argsort(_draw(1 << 63, (POSITIONS, SLOTS)), axis=0)
        factors = 1 + _draw(RING.plain - 1, (POSITIONS, SLOTS))
        rows = np.arange(SLOTS)
        return b"".join(
            self._product(key, inputs, linear[chosen, :, rows] * factor[:, None], own * factor)
            for chosen, factor, own in zip(
                order, factors, np.take_along_axis(constant, order, axis=0), strict=True
            )
        )

    def decisions(self, zeros: Bools) -> Bools:
        """Returns whether the other party's number is greater, given what `Comparable.zeros` did.

        Args:
            zeros: As received.

        Returns:
            Shape (rows,).

        Raises:
            ValueError: There are more or fewer rows.
        """
        if zeros.shape != (self._rows,):
            raise ValueError(f"{zeros.shape} answers do not fit {self._rows} rows")
        decisions: Bools = zeros == self._coins[: self._rows]
        return decisions

    def _forms(self) -> tuple[Integers, Integers]:
        """Each c_i as a linear form of b: factors (i, j, rows) and what is added, (i, rows)."""
        own, signs = self._bits, np.where(self._coins, 1, -1)
        xor = 3 * (1 - 2 * own)  # 3 (x xor b) = 3 x + 3 (1 - 2 x) b
        linear = np.zeros((POSITIONS, POSITIONS, SLOTS), np.int64)
        constant = signs + own
        for i in range(POSITIONS):
            linear[i, i] = -1
            linear[i, i + 1 :] = xor[i + 1 :]
            constant[i] += 3 * own[i + 1 :].sum(axis=0)
        return linear, constant

    @staticmethod
    def _product(
        key: PublicKey, inputs: list[Ciphertext], linear: Integers, constant: Integers
    ) -> bytes:
        """One position of all rows: a linear form of the encrypted bits, hidden."""
        context = key.context
        products = [
            context.product(ciphertext, context.factor(context.encoded(values % RING.plain)))
            for ciphertext, values in zip(inputs, linear.T, strict=True)
        ]
        result = context.transformed_back(context.sum(products))
        context.add_plaintext(result, context.encoded(constant % RING.plain))
        context.add(result, key.zero())
        first, second = context.residues(result)
        hidden = total(first, _flood(), RING.data_primes)
        return packed(hidden, RING.data_primes) + packed(second, RING.data_primes)


def _padded(numbers: Integers) -> Integers:
    """All slots: those without a row get random numbers.

    Args:
        numbers: Shape (rows,).

    Returns:
        Shape (`SLOTS`,).

    Raises:
        ValueError: There are too many, or one is out of range.
    """
    if len(numbers) > SLOTS:
        raise ValueError(f"{len(numbers)} rows are more than {SLOTS}")
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < 1 << NUMBER_BITS:
        raise ValueError(f"a number is not from 0 to {(1 << NUMBER_BITS) - 1}")
    return np.concatenate([numbers, _draw(1 << NUMBER_BITS, (SLOTS - len(numbers),))])


def _bits(numbers: Integers) -> Integers:
    """Returns bits, the lowest first, shape (`POSITIONS`, rows)."""
    return numbers >> np.arange(POSITIONS)[:, None] & 1


def _draw(below: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Returns numbers from the system's source of randomness, uniform within 2^-47."""
    words = np.frombuffer(secrets.token_bytes(8 * int(np.prod(shape))), "<u8").reshape(shape)
    return (words % np.uint64(below)).astype(np.int64)


def _flood() -> Residues:
    """A polynomial with coefficients uniform below two to the power `FLOOD_BITS`."""
    primes = np.array(RING.data_primes, np.uint64)[:, None]
    flood = _draw(1 << _FIRST_BITS, (1, SLOTS)).astype(np.uint64) % primes
    for _ in range(_FIRST_BITS, FLOOD_BITS, _STEP_BITS):
        more = _draw(1 << _STEP_BITS, (1, SLOTS)).astype(np.uint64)
        flood = ((flood << np.uint64(_STEP_BITS)) + more) % primes
    return flood
