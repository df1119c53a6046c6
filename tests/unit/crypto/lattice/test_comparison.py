"""One bit for each row: whether one party's number is greater than the other's."""

from dataclasses import dataclass
from math import prod

import numpy as np
import pytest

from isthmus.core.arrays import Bools, Integers
from isthmus.core.seeds import generator
from isthmus.crypto.lattice.comparison import Comparable, Comparer
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

TOP = (1 << NUMBER_BITS) - 1


@dataclass(frozen=True)
class Compared:
    """A comparison, and all that crossed."""

    public: bytes
    bits: bytes
    products: bytes
    zeros: Bools
    decisions: Bools


def compared(theirs: Integers, ours: Integers) -> Compared:
    comparer = Comparer(ours)
    comparable = Comparable(comparer.seed)
    public, bits = comparable.public(), comparable.encrypt(theirs)
    products = comparer.products(public, bits)
    zeros = comparable.zeros(products, len(theirs))
    return Compared(public, bits, products, zeros, comparer.decisions(zeros))


@pytest.fixture(scope="module")
def full() -> tuple[Integers, Integers, Compared]:
    """As many rows as fit, with equal numbers, neighbours and extremes among them."""
    random = generator(5, "comparison")
    theirs, ours = random.integers(0, TOP + 1, (2, SLOTS))
    ours[:500] = theirs[:500]
    ours[500:1000] = np.clip(theirs[500:1000] + 1, 0, TOP)
    ours[1000:1500] = np.clip(theirs[1000:1500] - 1, 0, TOP)
    theirs[1500:1504], ours[1500:1504] = [0, 0, TOP, TOP], [0, TOP, 0, TOP]
    return theirs, ours, compared(theirs, ours)


class TestComparison:
    def test_is_right_for_every_row(self, full: tuple[Integers, Integers, Compared]) -> None:
        theirs, ours, found = full
        np.testing.assert_array_equal(found.decisions, theirs > ours)

    def test_the_owner_of_the_key_sees_fair_coins(
        self, full: tuple[Integers, Integers, Compared]
    ) -> None:
        theirs, ours, found = full
        for rows in (theirs > ours, theirs < ours, theirs == ours):
            # Five standard deviations of so many fair coins.
            assert abs(found.zeros[rows].mean() - 0.5) < 2.5 / np.sqrt(rows.sum())

    def test_what_crosses_has_the_declared_size(self) -> None:
        found = compared(np.array([3]), np.array([5]))
        assert not found.decisions
        assert len(found.public) == PUBLIC_BYTES
        assert len(found.bits) == BITS_BYTES
        assert len(found.products) == PRODUCTS_BYTES

    def test_noise_never_reaches_a_decision_and_is_hidden(self) -> None:
        fresh = 21.5
        noise = POSITIONS * RING.degree * (RING.plain // 2 + 1) * fresh + 21 * (1 + 2 * RING.degree)
        assert 2**FLOOD_BITS + noise < prod(RING.data_primes) / (2 * RING.plain)
        assert noise / 2**FLOOD_BITS < 2**-64

    @pytest.mark.parametrize("numbers", [[-1], [TOP + 1], [0] * (SLOTS + 1)])
    def test_numbers_out_of_range_are_refused(self, numbers: list[int]) -> None:
        with pytest.raises(ValueError, match=r"a number is not from 0|rows are more than"):
            Comparer(np.array(numbers))

    def test_bytes_of_another_length_are_refused(self) -> None:
        comparer = Comparer(np.array([1]))
        comparable = Comparable(comparer.seed)
        public, bits = comparable.public(), comparable.encrypt(np.array([2]))
        with pytest.raises(ValueError, match="a key and bits have"):
            comparer.products(public, bits[:-1])
        with pytest.raises(ValueError, match="a key and bits have"):
            comparer.products(public + b"0", bits)
        with pytest.raises(ValueError, match="products have"):
            comparable.zeros(bytes(PRODUCTS_BYTES - 1), 1)
        with pytest.raises(ValueError, match="do not fit 1 rows"):
            comparer.decisions(np.zeros(2, np.bool_))

    def test_residues_beyond_their_prime_are_refused(self) -> None:
        comparer = Comparer(np.array([1]))
        comparable = Comparable(comparer.seed)
        public, bits = comparable.public(), comparable.encrypt(np.array([2]))
        with pytest.raises(ValueError, match="not below its prime"):
            comparer.products(public, b"\xff" * 64_000 + bits[64_000:])
