"""Integers in one plaintext come apart again as they went in, in the clear and under any width."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from isthmus.core.arrays import Integers
from isthmus.core.errors import JobError
from isthmus.crypto.scheme import Codes
from isthmus.vertical.boosting.packing import GUARD_BITS, Packing, packing
from isthmus.vertical.boosting.trees import gradients

WIDTHS = st.integers(2, 54)
ROOM = st.integers(GUARD_BITS + 108, 1024)
"""Bits of a ciphertext: one pair of the widest fields fits."""


@dataclass(frozen=True)
class Plain:
    """What `fold` needs of ciphertexts, in the clear; `test_encrypted` folds real ones."""

    values: list[int]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> "Plain":
        return Plain(self.values[rows])

    def __add__(self, other: "Plain") -> "Plain":
        return Plain([a + b for a, b in zip(self.values, other.values, strict=True)])

    def scale(self, factors: Sequence[int]) -> "Plain":
        return Plain([a * b for a, b in zip(self.values, factors, strict=True)])

    def take(self, rows: Sequence[int]) -> "Plain":
        return Plain([self.values[row] for row in rows])

    def join(self, others: Sequence["Plain"]) -> "Plain":
        return Plain([*self.values, *(value for other in others for value in other.values)])

    def sum(self) -> "Plain":
        return Plain([sum(self.values)])

    def sums(self, groups: Sequence[Sequence[int]]) -> "Plain":
        return Plain([sum(self.values[row] for row in group) for group in groups])

    def list_sums(self, positions: Integers, starts: Integers) -> "Plain":
        raise NotImplementedError

    def bucket_sums(self, codes: Codes, buckets: int, *, cumulative: bool = False) -> "Plain":
        raise NotImplementedError

    def dump(self) -> bytes:
        raise NotImplementedError


def pairs(width: int, least: int, most: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Some pairs of fields, often at an end of their range."""
    half = 1 << (width - 1)
    field = st.one_of(st.sampled_from([-half, half - 1, 0]), st.integers(-half, half - 1))
    return st.lists(st.tuples(field, field), min_size=least, max_size=most)


class TestRows:
    @given(st.integers(1, 10**9), st.integers(8, 30))
    def test_fit_at_the_largest_gradients_that_fixed_point_has(
        self, rows: int, precision: int
    ) -> None:
        width = gradients.width(rows, precision)
        assume(width <= 54)
        most = 2**precision - 1
        packed = Packing(width, pairs=1)
        # As many rows at the extreme would take long to add up; their sum is what is checked.
        packed.check(np.array([[-rows * most], [rows * most]]))

    def test_are_refused_where_their_sum_could_leave_its_field(self) -> None:
        packed = Packing(width=5, pairs=1)
        packed.check(np.array([[7, -8], [15, 0]]))
        for values in ([[8, -8], [0, 0]], [[0, 0], [8, 8]]):
            with pytest.raises(ValueError, match="do not fit 5 bits"):
                packed.check(np.array(values))

    @given(st.data(), WIDTHS)
    def test_add_up_to_the_pair_of_sums(self, data: st.DataObject, width: int) -> None:
        rows = data.draw(st.integers(1, 20))
        most = ((1 << (width - 1)) - 1) // rows
        field = st.one_of(st.sampled_from([-most, most]), st.integers(-most, most))
        values = np.array(
            [data.draw(st.lists(field, min_size=rows, max_size=rows)) for _ in range(2)]
        )
        packed = Packing(width, pairs=1)
        packed.check(values)
        total = sum(packed.rows(values))
        assert packed.unfold([total], 1).tolist() == values.sum(axis=1)[:, None].tolist()


class TestFold:
    @given(st.data(), WIDTHS, ROOM)
    def test_is_undone_by_unfold(self, data: st.DataObject, width: int, room: int) -> None:
        packed = packing(width, room)
        wanted = data.draw(pairs(width, 1, 40))
        values: Integers = np.array(wanted).T
        folded = packed.fold(Plain(packed.rows(values)))
        assert len(folded) == packed.ciphertexts(len(wanted))
        assert packed.unfold(folded.values, len(wanted)).tolist() == values.tolist()

    @given(st.data(), WIDTHS, ROOM)
    def test_leaves_the_guard_bits_free(self, data: st.DataObject, width: int, room: int) -> None:
        packed = packing(width, room)
        wanted = data.draw(pairs(width, packed.pairs, 2 * packed.pairs))
        folded = packed.fold(Plain(packed.rows(np.array(wanted).T)))
        assert max(value.bit_length() for value in folded.values) <= room - GUARD_BITS

    @given(WIDTHS, ROOM)
    def test_uses_the_room_there_is(self, width: int, room: int) -> None:
        assert (packing(width, room).pairs + 1) * 2 * width > room - GUARD_BITS

    def test_needs_room_for_a_pair(self) -> None:
        with pytest.raises(JobError, match="larger `key_bits`"):
            packing(54, GUARD_BITS + 107)


class TestUnfold:
    @given(st.data(), WIDTHS, st.integers(1, 6))
    def test_refuses_what_no_fields_add_up_to(
        self, data: st.DataObject, width: int, count: int
    ) -> None:
        packed = Packing(width, count)
        half, base = 1 << (width - 1), 1 << width
        most = (half - 1) * sum(base**at for at in range(2 * count))
        least = -half * sum(base**at for at in range(2 * count))
        assert packed.unfold([most], count).tolist() == [[half - 1] * count] * 2
        assert packed.unfold([least], count).tolist() == [[-half] * count] * 2
        beyond = data.draw(st.one_of(st.integers(most + 1), st.integers(max_value=least - 1)))
        with pytest.raises(ValueError, match="out of the range of sums"):
            packed.unfold([beyond], count)
