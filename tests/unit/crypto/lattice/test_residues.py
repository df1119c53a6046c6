"""Residues as bytes, from keys, and cut."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.crypto.lattice.parameters import EXACT_RING, SLOTS
from isthmus.crypto.lattice.residues import Cut, difference, packed, total, uniform, unpacked
from tests.negacyclic import whole

PRIMES = EXACT_RING.primes
DEGREE = 16

residues = st.lists(
    st.lists(st.integers(0, min(PRIMES) - 1), min_size=DEGREE, max_size=DEGREE),
    min_size=2,
    max_size=2,
)


class TestPacked:
    @given(residues)
    def test_comes_back(self, numbers: list[list[int]]) -> None:
        polynomial = np.array(numbers, np.uint64)
        data = packed(polynomial, PRIMES)
        assert len(data) == DEGREE * 109 // 8
        assert (unpacked(data, DEGREE, PRIMES) == polynomial).all()

    @pytest.mark.parametrize("primes", [PRIMES, SLOTS.primes, (12289,), (65537, 257)])
    def test_takes_as_many_bits_as_the_primes_have(self, primes: tuple[int, ...]) -> None:
        largest = np.repeat(np.array(primes, np.uint64)[:, None] - np.uint64(1), DEGREE, axis=1)
        data = packed(largest, primes)
        assert len(data) == DEGREE // 8 * sum(prime.bit_length() for prime in primes)
        assert (unpacked(data, DEGREE, primes) == largest).all()

    @pytest.mark.parametrize("change", [b"", b"\0"])
    def test_of_another_length_is_refused(self, change: bytes) -> None:
        data = packed(np.zeros((2, DEGREE), np.uint64), PRIMES)
        with pytest.raises(ValueError, match="a polynomial has 218 bytes, not"):
            unpacked(data[:-1] + change + change, DEGREE, PRIMES)

    @pytest.mark.parametrize("place", [0, 1])
    def test_with_a_residue_not_below_its_prime_is_refused(self, place: int) -> None:
        polynomial = np.zeros((2, DEGREE), np.uint64)
        polynomial[place, 5] = PRIMES[place]
        with pytest.raises(ValueError, match="a residue of a polynomial is not below its prime"):
            unpacked(packed(polynomial, PRIMES), DEGREE, PRIMES)


class TestUniform:
    def test_follows_from_the_key(self) -> None:
        one = uniform(bytes(32), 4096, PRIMES)
        assert (one == uniform(bytes(32), 4096, PRIMES)).all()
        assert (one != uniform(b"\1" * 32, 4096, PRIMES)).all()

    def test_leaves_out_what_is_not_below_the_prime(self) -> None:
        # 2^12 = 4096 < 6151 < 2^13: a quarter of the words is too large
        values = uniform(bytes(32), 60_000, (6151,))[0]
        assert (np.bincount(values.astype(np.int64) // 2051, minlength=3) > 19_000).all()
        assert values.max() == 6150

    def test_differs_between_primes(self) -> None:
        one, two = uniform(bytes(32), 64, (PRIMES[0], PRIMES[0]))
        assert (one != two).all()


@given(residues, residues)
def test_differences_and_totals_are_modulo_each_prime(
    left: list[list[int]], right: list[list[int]]
) -> None:
    one, two = np.array(left, np.uint64), np.array(right, np.uint64)
    assert (total(difference(one, two, PRIMES), two, PRIMES) == one).all()


class TestCut:
    @given(st.integers(0, prod(PRIMES) - 1))
    def test_is_less_than_three_below_the_exact_fraction(self, value: int) -> None:
        polynomial = np.array([[value % prime] for prime in PRIMES], np.uint64)
        word, q = int(Cut(PRIMES)(polynomial)[0]), prod(PRIMES)
        below = ((value << 64) - word * q) % (q << 64)
        assert below < (len(PRIMES) + 1) * q

    @given(st.integers(0, prod(PRIMES) - 1))
    def test_to_80_bits_is_less_than_260_below(self, value: int) -> None:
        polynomial = np.array([[value % prime] for prime in PRIMES], np.uint64)
        high, more = Cut(PRIMES).fine(polynomial)
        word, q = (int(high[0]) << 16) + int(more[0]), prod(PRIMES)
        below = ((value << 80) - word * q) % (q << 80)
        assert below < 130 * len(PRIMES) * q

    def test_agrees_with_the_chinese_remainder(self) -> None:
        rows = uniform(bytes(32), 64, PRIMES)
        words = Cut(PRIMES)(rows)
        q = prod(PRIMES)
        for word, pair in zip(words.tolist(), rows.T.tolist(), strict=True):
            assert ((whole(pair, PRIMES) << 64) // q - word) % (1 << 64) <= len(PRIMES)
