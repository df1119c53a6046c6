"""Shares of sums of products, row by row."""

from fractions import Fraction

import numpy as np
import pytest

from isthmus.core.arrays import Integers
from isthmus.crypto.lattice.owner import new_seed
from isthmus.crypto.lattice.parameters import SLOTS
from isthmus.crypto.lattice.shares import RINGS, FactorOwner, Multiplier, Terms, failure

PRIME = SLOTS.plain


class Sum:
    """A sum of products at all parties; each middle one has factors and constants."""

    def __init__(
        self,
        first: Integers,
        last: Integers,
        constant: Integers,
        middle: list[tuple[Integers, Integers]] | None = None,
    ) -> None:
        self.first, self.last, self.constant = first, last, constant
        self.middle = middle or []
        values, rows = first.shape
        self.terms = Terms(rows, values, 1 + len(self.middle))
        seeds = [new_seed() for _ in range(self.terms.multipliers)]
        multipliers = [Multiplier(self.terms, seed) for seed in seeds]
        self.owner = FactorOwner(self.terms, seeds)
        for each in multipliers:
            each.load(self.owner.public(), seeds)
        *self.converters, self.multiplier = multipliers

    def shares(self) -> tuple[Integers, Integers]:
        """Those of the owner of the key, and of the last party, shape (rows,) each."""
        found: list[tuple[Integers, Integers]] = []
        for chunk in self.terms.chunks:
            encrypted = self.owner.encrypt(self.first[:, chunk])
            assert len(encrypted) == self.terms.fresh_bytes
            for each, (factors, constants) in zip(self.converters, self.middle, strict=True):
                encrypted = each.convert(encrypted, factors[..., chunk], constants[:, chunk])
                assert len(encrypted) == self.terms.converted_bytes
            masked, ours = self.multiplier.sums(
                encrypted, self.last[:, chunk], self.constant[chunk]
            )
            assert len(masked) == self.terms.masked_bytes
            found.append((self.owner.share(masked, chunk.stop - chunk.start), ours))
        s, r = zip(*found, strict=True)
        return np.concatenate(s), np.concatenate(r)

    def expected(self) -> list[int]:
        """The sums, from 0 to t - 1."""
        numbers = self.first.astype(object)
        for factors, constants in self.middle:
            numbers = (factors.astype(object) * numbers).sum(axis=1) + constants
        total = (self.last.astype(object) * numbers).sum(axis=0) + self.constant
        return [int(value) % PRIME for value in total]


def random_sum(rows: int, values: int, multipliers: int = 1) -> Sum:
    """Of numbers as large as they may be."""
    generator = np.random.default_rng(7)

    def numbers(*shape: int) -> Integers:
        return generator.integers(-(PRIME // 2), PRIME // 2, shape)

    middle = [
        (numbers(values, values, rows), numbers(values, rows)) for _ in range(multipliers - 1)
    ]
    return Sum(numbers(values, rows), numbers(values, rows), numbers(rows), middle)


class TestShares:
    @pytest.mark.parametrize(
        ("rows", "values", "multipliers"),
        [(10_000, 2, 1), (300, 5, 1), (3000, 5, 1), (17_000, 1, 2), (300, 2, 3), (300, 2, 4)],
    )
    def test_differ_by_the_sum_whatever_the_numbers_are(
        self, rows: int, values: int, multipliers: int
    ) -> None:
        case = random_sum(rows, values, multipliers)
        s, r = case.shares()
        assert ((s - r) % PRIME).tolist() == case.expected()

    def test_of_functions_that_are_all_zero(self) -> None:
        case = random_sum(200, 2)
        case.last = 0 * case.last
        s, r = case.shares()
        assert ((s - r) % PRIME).tolist() == (case.constant % PRIME).tolist()

    @pytest.mark.parametrize("multipliers", [1, 2])
    def test_are_uniform_each_by_itself(self, multipliers: int) -> None:
        rows, ones = 16_000, np.ones((1, 16_000), np.int64)
        middle = [(ones[np.newaxis], ones)] * (multipliers - 1)
        for share in Sum(ones, ones, 0 * ones[0], middle).shares():
            counts = np.bincount(share >> 51, minlength=16)
            assert len(counts) == 16
            deviation = ((counts - rows / 16) ** 2 / (rows / 16)).sum()
            assert deviation < 60  # chi-square of 15: once in 10^6

    def test_are_others_every_time(self) -> None:
        first, second = (random_sum(100, 2).shares() for _ in range(2))
        assert not (first[0] == second[0]).any()
        assert not (first[1] == second[1]).any()

    @pytest.mark.parametrize("multipliers", RINGS)
    def test_come_out_wrong_more_seldom_than_once_in_two_to_the_47th(
        self, multipliers: int
    ) -> None:
        assert failure(multipliers) < Fraction(1, 2**47)

    @pytest.mark.parametrize(("multipliers", "most"), [(1, 218), (2, 438), (3, 438), (4, 438)])
    def test_moduli_are_within_the_table_of_the_standard(self, multipliers: int, most: int) -> None:
        assert sum(prime.bit_length() for prime in RINGS[multipliers].primes) <= most


class TestConverted:
    def test_numbers_do_not_show_by_what_they_were_multiplied(self) -> None:
        """Without a fresh zero, the second halves would be multiples of those that came in."""
        ones = np.ones((1, 100), np.int64)
        case = Sum(ones, ones, ones[0], [(ones[np.newaxis], 0 * ones)])
        encrypted = case.owner.encrypt(ones)
        first, second = (
            case.converters[0].convert(encrypted, ones[np.newaxis], 0 * ones) for _ in range(2)
        )
        half = len(first) // 2
        for start in (0, half):
            one, other = (
                np.frombuffer(each[start : start + half], np.uint8) for each in (first, second)
            )
            assert np.mean(one == other) < 0.01  # 1 / 256 by accident


class TestRefuses:
    def test_more_products_or_parties_than_the_bounds_allow(self) -> None:
        with pytest.raises(ValueError, match="33 products"):
            Terms(10, 33)
        with pytest.raises(ValueError, match="5 parties that multiply"):
            Terms(10, 1, 5)

    def test_seeds_that_are_not_those_of_all(self) -> None:
        with pytest.raises(ValueError, match="1 seeds of 32 bytes were due, not 1 of 3"):
            FactorOwner(Terms(10, 1), [b"abc"])
        with pytest.raises(ValueError, match="2 seeds of 32 bytes were due, not 1"):
            FactorOwner(Terms(10, 1, 2), [new_seed()])
        terms = Terms(10, 1)
        multiplier, others = Multiplier(terms, new_seed()), [new_seed()]
        with pytest.raises(ValueError, match="our seed is not among those"):
            multiplier.load(FactorOwner(terms, others).public(), others)

    def test_bytes_that_are_no_key_and_no_ciphertexts(self) -> None:
        terms = Terms(10, 1)
        seeds = [new_seed()]
        multiplier, one = Multiplier(terms, *seeds), np.ones((1, 10), np.int64)
        with pytest.raises(ValueError, match="comes first"):
            multiplier.sums(bytes(terms.fresh_bytes), one, one[0])
        owner = FactorOwner(terms, seeds)
        public = owner.public()
        with pytest.raises(ValueError, match="a public key has"):
            multiplier.load(public[:-1], seeds)
        with pytest.raises(ValueError, match="not below its prime"):
            multiplier.load(new_seed() + b"\xff" * (len(public) - 32), seeds)
        multiplier.load(public, seeds)
        with pytest.raises(ValueError, match="a product that hides nothing"):
            multiplier.sums(bytes(terms.converted_bytes), one, one[0])
        with pytest.raises(ValueError, match="a product that hides nothing"):
            multiplier.convert(bytes(terms.converted_bytes), one[np.newaxis], one)
        with pytest.raises(ValueError, match="numbers of a chunk have"):
            multiplier.sums(owner.encrypt(one)[:-1], one, one[0])
        for size in (terms.fresh_bytes, terms.converted_bytes):
            with pytest.raises(ValueError, match="not below its prime"):
                multiplier.sums(b"\xff" * size, one, one[0])
        with pytest.raises(ValueError, match="masked sums have"):
            owner.share(bytes(10), 10)
        with pytest.raises(ValueError, match="not below its prime"):
            owner.share(b"\xff" * terms.masked_bytes, 10)
