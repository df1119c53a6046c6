import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.text.tokens import Tokens

Rows = list[list[int]]
rows = st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=6)


def tokens(texts: Rows) -> Tokens:
    starts = np.cumsum([0, *map(len, texts)])
    return Tokens(np.array([it for text in texts for it in text], np.int32), starts)


def lists(found: Tokens) -> Rows:
    return [
        found.ids[begin:end].tolist()
        for begin, end in zip(found.starts[:-1], found.starts[1:], strict=True)
    ]


class TestTokens:
    def test_know_how_many_texts_they_are_and_how_long(self) -> None:
        found = tokens([[1, 2], [], [3]])
        assert found.texts == 3
        assert found.lengths.tolist() == [2, 0, 1]

    @given(rows, st.data())
    def test_are_taken_in_any_order_as_often_as_wanted(
        self, texts: Rows, data: st.DataObject
    ) -> None:
        chosen = data.draw(st.lists(st.sampled_from(range(len(texts))))) if texts else []
        found = tokens(texts).take(np.array(chosen, np.int64))
        assert lists(found) == [texts[row] for row in chosen]

    @given(st.lists(rows, max_size=4))
    def test_are_joined_in_order(self, parts: list[Rows]) -> None:
        found = Tokens.joined(tokens(part) for part in parts)
        assert lists(found) == [text for part in parts for text in part]
        assert found.ids.dtype == np.int32

    @given(rows, st.integers(1, 6))
    def test_are_cut_to_a_length(self, texts: Rows, length: int) -> None:
        assert lists(tokens(texts).cut(length)) == [text[:length] for text in texts]

    @given(rows, st.floats(0, 1), st.integers(0, 99))
    def test_are_thinned_in_order_but_no_text_to_nothing(
        self, texts: Rows, share: float, seed: int
    ) -> None:
        found = lists(tokens(texts).thinned(share, np.random.default_rng(seed)))
        for text, thin in zip(texts, found, strict=True):
            left = iter(text)
            assert all(piece in left for piece in thin)
            assert bool(thin) == bool(text)

    def test_are_thinned_by_a_share(self) -> None:
        found = tokens([[1] * 10_000]).thinned(0.2, np.random.default_rng(0))
        assert len(found.ids) == pytest.approx(8000, abs=200)

    @given(rows)
    def test_have_equal_numbers_where_they_are_equal(self, texts: Rows) -> None:
        found = tokens(texts).numbered()
        alike = [[one == other for other in texts] for one in texts]
        assert (found[:, None] == found).tolist() == alike

    def test_are_told_apart_though_their_hashes_are_the_same(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Tokens, "_hashes", lambda it: np.zeros(it.texts, np.uint64))
        assert tokens([[1], [2], [1], []]).numbered().tolist() == [0, 1, 0, 3]
