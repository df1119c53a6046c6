"""What is declared before a round, and what it promises."""

from fractions import Fraction
from math import prod

import pytest

from isthmus.crypto.lattice.parameters import (
    EXACT_BITS,
    EXACT_RING,
    FEATURE_BITS,
    MODULAR_RING,
    SLOTS,
    SUMS_PER_KEY,
    Ring,
    Sums,
    noise_bound,
    value_bits,
)

MOST_ROWS = 1 << 32  # with one value bit and columns of 14


class TestValueBits:
    @pytest.mark.parametrize("rows", [1, 2, 24_000, 24_576, 1_000_000, 1 << 20, (1 << 20) + 1])
    @pytest.mark.parametrize("feature_bits", [1, 8, FEATURE_BITS])
    def test_is_the_most_that_cannot_overflow(self, rows: int, feature_bits: int) -> None:
        bits = value_bits(rows, feature_bits)
        assert rows << bits + feature_bits <= 1 << EXACT_BITS - 1 < rows << bits + 1 + feature_bits

    def test_more_are_refused(self) -> None:
        bits = value_bits(24_000)
        assert Sums(1, 24_000, bits).most < 1 << EXACT_BITS - 1
        with pytest.raises(ValueError, match=r"24000 rows may overflow: 19 bits of values and 14"):
            Sums(1, 24_000, bits + 1)

    @pytest.mark.parametrize(
        ("columns", "rows", "feature_bits"), [(0, 1, 14), (1, 0, 14), (1, 1, 0), (1, 1, 15)]
    )
    def test_sums_of_nothing_are_refused(self, columns: int, rows: int, feature_bits: int) -> None:
        with pytest.raises(ValueError, match=r"have no sums|are not of 1 to 14"):
            Sums(columns, rows, 0, feature_bits)

    def test_modular_sums_of_too_many_rows_are_refused(self) -> None:
        with pytest.raises(ValueError, match="rows are too many for one sum"):
            Sums(1, 1 << 40, None)


class TestNoise:
    @pytest.mark.parametrize("rows", [1, 1 << 20, MOST_ROWS])
    def test_and_rounding_are_below_half_a_unit_of_an_exact_sum(self, rows: int) -> None:
        rounding, unit = 1 << 64 - (EXACT_BITS + 1) - 1, 1 << 64 - EXACT_BITS
        assert noise_bound(rows) + rounding < unit / 2

    @pytest.mark.parametrize("rows", [1, 1 << 20, MOST_ROWS, 1 << 32])
    def test_and_rounding_are_below_half_a_unit_of_a_modular_sum(self, rows: int) -> None:
        sums = Sums(1, rows, None)
        rounding = 1 << sums.word_bits - sums.answer_bits - 1
        noise = noise_bound(rows, word_bits=sums.word_bits)
        assert noise + rounding < Fraction(1 << sums.word_bits, 2 * MODULAR_RING.plain)


class TestSecurity:
    @pytest.mark.parametrize(
        ("ring", "most"), [(EXACT_RING, 109), (MODULAR_RING, 109), (SLOTS, 218)]
    )
    def test_moduli_are_within_the_table_of_the_standard(self, ring: Ring, most: int) -> None:
        assert prod(ring.primes).bit_length() <= most

    def test_answers_tell_a_small_part_of_a_key_at_most(self) -> None:
        ternary_bits = 1.58 * EXACT_RING.degree
        assert ternary_bits / 8 > SUMS_PER_KEY * Sums(1, 1, 0).answer_bits
        assert ternary_bits / 7 > SUMS_PER_KEY * Sums(1, 1, None).answer_bits


class TestSizes:
    def test_a_round_of_24_000_rows_and_10_columns(self) -> None:
        sums = Sums(10, 24_000, 18)
        polynomial = 4096 * 109 // 8
        blocks = [8192, 8192, 24_000 - 2 * 8192]
        assert sums.public_bytes == 32 + polynomial
        assert [sums.block_bytes(rows) for rows in blocks] == [2 * (polynomial + 64)] * 3
        assert (sums.masked_bytes, sums.answer_bytes) == (10 * 4097 * 8, 10 * 8)

    @pytest.mark.parametrize(("columns", "keys"), [(1, 1), (16, 1), (17, 2), (33, 3)])
    def test_more_than_16_columns_have_more_keys(self, columns: int, keys: int) -> None:
        one, sums = Sums(1, 100, 3), Sums(columns, 100, 3)
        assert sums.keys == keys
        assert sums.block_bytes(100) == keys * one.block_bytes(100)
