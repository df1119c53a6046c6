"""Several texts in one row."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Bools
from isthmus.text.packing import NOBODY, Packed, pack, same_group, same_text, surrounded
from tests.unit.text.small_transformers import texts

lengths = st.lists(st.integers(0, 30), min_size=1, max_size=20)


class TestPack:
    @given(lengths, st.integers(8, 64))
    def test_every_text_is_there_once_in_order_and_in_one_piece(
        self, sizes: list[int], places: int
    ) -> None:
        tokens = texts(*sizes)
        packed = pack(tokens, padding=0, places=places)
        for text, size in enumerate(sizes):
            rows, at = np.nonzero(packed.texts == text)
            assert len(set(rows)) == (1 if size else 0)
            assert at.tolist() == list(range(min(at, default=0), min(at, default=0) + size))
            begin = tokens.starts[text]
            assert packed.ids[rows, at].tolist() == tokens.ids[begin : begin + size].tolist()
            assert packed.positions[rows, at].tolist() == list(range(size))

    @given(st.lists(st.integers(0, 15), min_size=1, max_size=10))
    def test_texts_of_a_group_are_neighbours(self, halves: list[int]) -> None:
        packed = pack(texts(*halves, *halves), padding=0, together=2, places=30)
        for row_of_texts, row_of_groups in zip(packed.texts, packed.groups, strict=True):
            order = [it for it in row_of_texts.tolist() if it != NOBODY]
            changes = [order[0:1], *([b] for a, b in pairwise(order) if a != b)]
            met = [it for change in changes for it in change]
            groups = [it // 2 for it in met]
            assert groups == sorted(groups, key=groups.index)
            assert ((row_of_groups == NOBODY) == (row_of_texts == NOBODY)).all()

    def test_rows_are_nearly_full(self) -> None:
        sizes = np.random.default_rng(0).integers(5, 60, 500).tolist()
        assert pack(texts(*sizes), padding=0).present.mean() > 0.97

    def test_padding_has_the_piece_for_it(self) -> None:
        packed = pack(texts(3), padding=7, places=8)
        assert packed.ids[~packed.present].tolist() == [7] * 5

    def test_rows_are_as_long_as_the_longest_group(self) -> None:
        assert pack(texts(70, 61), padding=0, together=2).ids.shape == (1, 136)

    def test_positions_begin_where_they_are_told_to(self) -> None:
        packed = pack(texts(2, 3), padding=0, shifts=np.array([0, 5]))
        assert packed.positions[packed.texts == 1].tolist() == [5, 6, 7]

    def test_no_texts_are_one_row_of_padding(self) -> None:
        assert not pack(texts(), padding=0).present.any()


class TestSight:
    def test_a_text_sees_itself_alone(self) -> None:
        packed = pack(texts(2, 1), padding=0, places=8)
        seen = same_text(packed)[0]
        assert seen[:2, :3].tolist() == [[True, True, False]] * 2
        assert seen[2, :3].tolist() == [False, False, True]

    def test_a_pair_sees_both_its_texts(self) -> None:
        packed = pack(texts(2, 1, 1, 1), padding=0, together=2, places=8)
        seen = same_group(packed)[0]
        assert seen[0].tolist() == [True] * 3 + [False] * 5
        assert seen[4].tolist() == [False] * 3 + [True] * 2 + [False] * 3

    @pytest.mark.parametrize("sight", [same_text, same_group])
    def test_every_place_sees_something(self, sight: Callable[[Packed], Bools]) -> None:
        packed = pack(texts(2, 1), padding=0, places=8)
        assert sight(packed).any(axis=2).all()


class TestSurrounded:
    @given(lengths)
    def test_each_text_has_a_start_and_an_end(self, sizes: list[int]) -> None:
        tokens = texts(*sizes)
        around = surrounded(tokens, 2, 3)
        for text in range(len(sizes)):
            inner = tokens.take(np.array([text])).ids.tolist()
            assert around.take(np.array([text])).ids.tolist() == [2, *inner, 3]
