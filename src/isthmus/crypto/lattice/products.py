"""Sums of one party's columns times another party's values: x^T d, which the former alone reads.

A round, with keys of its own. The owner of d learns nothing, the party with columns its sums.

1. The party with columns draws a seed and sends it (`owner.new_seed`).
2. The owner of d makes keys, and sends the public ones and d under encryption, by blocks of rows
   (`owner.Owner`).
3. The party with columns multiplies and adds up (`Columns.multiply`). For each column it sends what
   is needed to decrypt one number (`finish`): c1, re-randomised by a fresh encryption of zero, and
   the constant coefficient of c0, both cut to 64 bits, and the latter plus a mask modulo 2^64.
4. The owner answers with the highest bits of the constant coefficient of the phase (`Owner.open`).
5. The party with columns subtracts its masks (`unmask`).

Why the owner learns nothing of the columns: c0 is uniform and independent of all else, whatever
was encrypted in step 2. c1 is a sample of ring learning with errors under the secret u of the fresh
zero: it looks random to the owner of s too, as one half of the public key is uniform. The cut is
a function of what was there before it. docs/adr/0010 says what of this is our own argument.

Bounds, sizes, and how many sums a key opens: parameters.py.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from isthmus.crypto.lattice import seal
from isthmus.crypto.lattice.keys import PublicKey, received, uniform_half
from isthmus.crypto.lattice.parameters import EXACT_BITS, SEED_BYTES, SUMS_PER_KEY, Sums
from isthmus.crypto.lattice.residues import Cut, Residues
from isthmus.crypto.lattice.seal_context import Ciphertext, Plaintext

AnyIntegers = NDArray[np.integer]
"""Integers of any type of numpy."""

Factors = Sequence[Plaintext | None]
"""Some rows of each column, transformed; None where all are zero."""


class Partial:
    """Sums over some of the rows, under encryption: for processes of one party only."""

    def __init__(self, totals: Sequence[Ciphertext | None]) -> None:
        """Hold one transformed ciphertext for each column; None where nothing was added up."""
        self.totals = totals

    def stored(self, sums: Sums) -> list[bytes]:
        """Returns bytes for each column, for another process of this party."""
        context = seal.context(sums.ring)
        return [b"" if total is None else context.stored(total) for total in self.totals]

    @classmethod
    def restored(cls, sums: Sums, parts: Sequence[bytes]) -> "Partial":
        """Returns what `stored` wrote."""
        context = seal.context(sums.ring)
        return cls([context.restored(part) if part else None for part in parts])


class Columns:
    """Integer columns of some rows, which are multiplied round after round."""

    def __init__(
        self, values: AnyIntegers, sums: Sums, block_rows: int, cache_bytes: int = 1 << 30
    ) -> None:
        """Prepare columns.

        Args:
            values: Shape (rows, columns), all rows of the sums or some; kept, and read in each
                round where the cache ends.
            sums: What is summed.
            block_rows: Rows of a block; the last one may be short.
            cache_bytes: Most bytes of transformed columns to keep.

        Raises:
            ValueError: Shape or values are not as declared.
        """
        rows, columns = values.shape
        if columns != sums.columns or not 0 < rows <= sums.rows or block_rows < 1:
            raise ValueError(
                f"{rows} rows of {columns} columns, in blocks of {block_rows}, are no part of "
                f"{sums.rows} rows of {sums.columns} columns"
            )
        limit = 1 << sums.feature_bits
        if values.max() >= limit or values.min() <= -limit:
            raise ValueError(f"an integer of a column is not within {limit} of zero")
        self._values, self._sums, self._block_rows = values, sums, block_rows
        self._context = seal.context(sums.ring)
        self._cache_bytes = cache_bytes
        self._cache = dict[int, Factors]()  # by the first row

    def multiply(self, blocks: Iterable[bytes]) -> Partial:
        """Multiply all columns by the values of these rows, and add up.

        Args:
            blocks: What `Encryptor.encrypt` returned for each block of rows, as received.

        Returns:
            The sums over these rows.

        Raises:
            ValueError: There are more or fewer blocks than rows need, or they are no ciphertexts.
        """
        totals: list[Ciphertext | None] = [None] * self._sums.columns
        expected = list(range(0, len(self._values), self._block_rows))
        starts = iter(expected)
        for block in blocks:
            start = next(starts, None)
            if start is None:
                raise ValueError(f"there are more than {len(expected)} blocks of ciphertexts")
            self._add_block(totals, block, start)
        left = len(list(starts))
        if left:
            raise ValueError(f"{left} of {len(expected)} blocks of ciphertexts are missing")
        return Partial(totals)

    def _add_block(self, totals: list[Ciphertext | None], block: bytes, start: int) -> None:
        sums, degree = self._sums, self._sums.ring.degree
        stop = min(start + self._block_rows, len(self._values))
        expected = sums.block_bytes(stop - start)
        if len(block) != expected:
            raise ValueError(
                f"{stop - start} rows under {sums.keys} keys have {expected} bytes, "
                f"not {len(block)}"
            )
        ciphertexts = _pieces(block, sums.ring.fresh_bytes)
        for first in range(start, stop, degree):
            factors = self._factors(first, min(first + degree, stop))
            for key in range(sums.keys):
                ciphertext = received(sums.ring, next(ciphertexts))
                end = min(sums.columns, (key + 1) * SUMS_PER_KEY)
                for column in range(key * SUMS_PER_KEY, end):
                    self._add(totals, column, ciphertext, factors[column])

    def _add(
        self,
        totals: list[Ciphertext | None],
        column: int,
        ciphertext: Ciphertext,
        factor: Plaintext | None,
    ) -> None:
        if factor is None:
            return
        product = self._context.product(ciphertext, factor)
        if totals[column] is None:
            totals[column] = product
        else:
            self._context.add(totals[column], product)

    def _factors(self, start: int, stop: int) -> Factors:
        """Returns these rows of all columns, transformed; kept while there is room."""
        if start in self._cache:
            return self._cache[start]
        ring = self._sums.ring
        rows = self._values[start:stop].astype(np.int64)
        polynomials = np.zeros((rows.shape[1], ring.degree), np.int64)
        polynomials[:, 0] = rows[0]
        polynomials[:, ring.degree - len(rows) + 1 :] = -rows[:0:-1].T
        factors = [
            self._context.factor(self._context.plaintext(polynomial)) if polynomial.any() else None
            for polynomial in polynomials
        ]
        size = len(factors) * len(ring.data_primes) * ring.degree * 8
        if size <= self._cache_bytes:
            self._cache_bytes -= size
            self._cache[start] = factors
        return factors


class PublicKeys:
    """The public keys of a round, at the party with columns."""

    def __init__(self, sums: Sums, public: bytes, ours: bytes) -> None:
        """Read public keys.

        Args:
            sums: What is summed.
            public: What `Owner.public` returned, as received.
            ours: Our seed, which the owner had before it made the keys.

        Raises:
            ValueError: The bytes are not the public keys of a round.
        """
        if len(public) != sums.public_bytes:
            raise ValueError(
                f"{sums.keys} public keys have {sums.public_bytes} bytes, not {len(public)}"
            )
        seeds, ring = (public[:SEED_BYTES], ours), sums.ring
        self.sums = sums
        self.keys = [
            PublicKey(ring, half, uniform_half(seeds, number, ring))
            for number, half in enumerate(_pieces(public[SEED_BYTES:], ring.public_key_bytes))
        ]


def finish(keys: PublicKeys, partials: Sequence[Partial]) -> tuple[bytes, list[int]]:
    """Add up what workers computed, and hide it from the owner of the values.

    Args:
        keys: The public keys of the round.
        partials: One of each worker, which together have all rows.

    Returns:
        What to send, `Sums.masked_bytes`, and the mask of each column, which stay here.
    """
    sums, context = keys.sums, seal.context(keys.sums.ring)
    cut = Cut(sums.ring.data_primes)
    masks = [secrets.randbits(sums.word_bits) for _ in range(sums.columns)]
    parts = list[bytes]()
    for column, mask in enumerate(masks):
        hidden = keys.keys[column // SUMS_PER_KEY].zero()
        found = [total for partial in partials if (total := partial.totals[column]) is not None]
        if found:
            context.add(hidden, context.transformed_back(context.sum(found)))
        c0, c1 = context.residues(hidden)
        parts += _words(sums, cut, c0[:, :1], mask) + _words(sums, cut, c1)
    return b"".join(parts), masks


def _words(sums: Sums, cut: Cut, polynomial: Residues, mask: int = 0) -> list[bytes]:
    """Returns coefficients cut to words, the highest 64 bits of all first, plus a mask."""
    if not sums.modular:
        return [(cut(polynomial) + np.uint64(mask)).astype("<u8").tobytes()]
    high, more = cut.fine(polynomial)
    more += np.uint64(mask & 0xFFFF)
    high += np.uint64(mask >> 16) + (more >> np.uint64(16))
    return [high.astype("<u8").tobytes(), more.astype("<u2").tobytes()]


def unmask(sums: Sums, answers: bytes, masks: Iterable[int]) -> list[int]:
    """Subtract the masks from the answers.

    Args:
        sums: What is summed.
        answers: What `Owner.open` returned, as received.
        masks: The masks.

    Returns:
        The sum of each column: exact, or for modular sums exact modulo t, from 0 to t - 1.

    Raises:
        ValueError: There are not as many answers as columns, or one cannot be a sum.
    """
    if len(answers) != sums.answer_bytes:
        raise ValueError(
            f"{sums.columns} answers have {sums.answer_bytes} bytes, not {len(answers)}"
        )
    words = np.frombuffer(answers, "<u8").tolist()
    if any(word >> sums.answer_bits for word in words):
        raise ValueError(f"an answer has more than {sums.answer_bits} bits")
    spare = sums.word_bits - sums.answer_bits
    phases = [
        ((word << spare) - int(mask)) % (1 << sums.word_bits)
        for word, mask in zip(words, masks, strict=True)
    ]
    modulus = sums.ring.plain if sums.modular else 1 << EXACT_BITS
    rounding = 1 << sums.word_bits - 1
    found = [(phase * modulus + rounding >> sums.word_bits) % modulus for phase in phases]
    if sums.modular:
        return found
    half = 1 << EXACT_BITS - 1
    signed = [(value + half) % (2 * half) - half for value in found]
    if any(abs(value) > sums.most for value in signed):
        raise ValueError(f"a sum is not within {sums.most} of zero, as {sums.rows} rows declare")
    return signed


def _pieces(data: bytes, size: int) -> Iterator[memoryview]:
    view = memoryview(data)
    return (view[at : at + size] for at in range(0, len(view), size))
