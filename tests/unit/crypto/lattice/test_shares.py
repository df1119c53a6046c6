"""Shares of sums of products, row by row."""

from fractions import Fraction
from math import prod

import numpy as np
import pytest

from isthmus.core.arrays import Integers
from isthmus.crypto.lattice.owner import new_seed
from isthmus.crypto.lattice.parameters import SLOTS
from isthmus.crypto.lattice.shares import (
    MASKED_BYTES,
    MOST_VALUES,
    FactorOwner,
    Multiplier,
    chunk_bytes,
)
from isthmus.crypto.lattice.slots import Layout

PRIME = SLOTS.plain


def shares(layout: Layout, g: Integers, f: Integers, constant: Integers) -> tuple[Integers, ...]:
    """Shares of the owner and of the multiplier, shape (rows,) each."""
    multiplier = Multiplier(layout)
    owner = FactorOwner(layout, multiplier.seed)
    multiplier.load(owner.public())
    found: list[tuple[Integers, Integers]] = []
    for chunk in layout.chunks:
        encrypted = owner.encrypt(g[:, chunk])
        assert len(encrypted) == chunk_bytes(layout)
        masked, ours = multiplier.sums(encrypted, f[:, chunk], constant[chunk])
        assert len(masked) == MASKED_BYTES
        found.append((owner.share(masked, chunk.stop - chunk.start), ours))
    s, r = zip(*found, strict=True)
    return np.concatenate(s), np.concatenate(r)


def numbers(rows: int, values: int, most: int = 1 << 54) -> tuple[Integers, Integers, Integers]:
    generator = np.random.default_rng(7)
    g, f = generator.integers(-most, most, (2, values, rows))
    return g, f, generator.integers(-most, most, rows)


def expected(g: Integers, f: Integers, constant: Integers) -> list[int]:
    total = (g.astype(object) * f.astype(object)).sum(axis=0) + constant.astype(object)
    return [int(value) % PRIME for value in total]


class TestShares:
    @pytest.mark.parametrize(("rows", "values"), [(10_000, 2), (300, 5), (3000, 5)])
    def test_differ_by_the_sum_whatever_the_numbers_are(self, rows: int, values: int) -> None:
        given = numbers(rows, values, PRIME // 2)
        s, r = shares(Layout(rows, values), *given)
        assert ((s - r) % PRIME).tolist() == expected(*given)

    def test_of_functions_that_are_all_zero(self) -> None:
        g, f, constant = numbers(200, 2)
        s, r = shares(Layout(200, 2), g, 0 * f, constant)
        assert ((s - r) % PRIME).tolist() == (constant % PRIME).tolist()

    def test_are_uniform_each_by_itself(self) -> None:
        rows = 16_000
        g, f = np.ones((2, 1, rows), np.int64)
        for share in shares(Layout(rows, 1), g, f, np.zeros(rows, np.int64)):
            counts = np.bincount(share >> 51, minlength=16)
            assert len(counts) == 16
            deviation = ((counts - rows / 16) ** 2 / (rows / 16)).sum()
            assert deviation < 60  # chi-square of 15: once in 10^6

    def test_are_others_every_time(self) -> None:
        given = numbers(100, 2)
        first, second = (shares(Layout(100, 2), *given) for _ in range(2))
        assert not (first[0] == second[0]).any()
        assert not (first[1] == second[1]).any()

    def test_come_out_wrong_more_seldom_than_once_in_two_to_the_47th(self) -> None:
        """The bounds of the file, as fractions."""
        degree, left = SLOTS.degree, SLOTS.data_primes[:-1]
        products = MOST_VALUES * degree * Fraction(PRIME, 2) * Fraction(43, 2)
        zero = 21 * (1 + 2 * degree) + 1
        noise = (products + zero) / SLOTS.data_primes[-1] + Fraction(degree + 1, 2)
        assert 2 * noise * Fraction(PRIME, prod(left)) < Fraction(1, 2**47)


class TestRefuses:
    def test_more_products_than_the_bounds_allow(self) -> None:
        with pytest.raises(ValueError, match="33 products"):
            Multiplier(Layout(10, 33))

    def test_a_seed_of_another_length(self) -> None:
        with pytest.raises(ValueError, match="a seed has 32 bytes, not 3"):
            FactorOwner(Layout(10, 1), b"abc")

    def test_bytes_that_are_no_key_and_no_ciphertexts(self) -> None:
        layout = Layout(10, 1)
        multiplier, one = Multiplier(layout), np.ones((1, 10), np.int64)
        with pytest.raises(ValueError, match="comes first"):
            multiplier.sums(bytes(chunk_bytes(layout)), one, one[0])
        owner = FactorOwner(layout, multiplier.seed)
        public = owner.public()
        with pytest.raises(ValueError, match="a public key has"):
            multiplier.load(public[:-1])
        with pytest.raises(ValueError, match="not below its prime"):
            multiplier.load(new_seed() + b"\xff" * (len(public) - 32))
        multiplier.load(public)
        with pytest.raises(ValueError, match="numbers of a chunk have"):
            multiplier.sums(owner.encrypt(one)[:-1], one, one[0])
        with pytest.raises(ValueError, match="not below its prime"):
            multiplier.sums(b"\xff" * chunk_bytes(layout), one, one[0])
        with pytest.raises(ValueError, match="masked sums have"):
            owner.share(bytes(10), 10)
        with pytest.raises(ValueError, match="not below its prime"):
            owner.share(b"\xff" * MASKED_BYTES, 10)
