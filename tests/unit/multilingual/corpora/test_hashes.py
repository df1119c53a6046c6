"""Equal texts are found among more of them than memory holds."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.multilingual.corpora import hashes
from isthmus.multilingual.corpora.hashes import HashFile, hashes_of, hashes_of_rows

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", None]))


class TestHashes:
    def test_are_equal_where_texts_are_but_for_case(self) -> None:
        found = hashes_of(["Open", "open", "close", None, ""])
        assert found[0] == found[1]
        assert len(set(found.tolist())) == 4
        assert found[3] == 0

    def test_of_texts_never_change(self) -> None:
        assert hashes_of(["isthmus"])[0] == 15137310651862707962

    def test_of_rows_know_which_language_a_text_is_in_but_not_their_order(self) -> None:
        one = hashes_of_rows(hashes_of(["a", "b"]).reshape(1, 2), ("en", "de"))
        swapped = hashes_of_rows(hashes_of(["b", "a"]).reshape(1, 2), ("en", "de"))
        turned = hashes_of_rows(hashes_of(["b", "a"]).reshape(1, 2), ("de", "en"))
        more = hashes_of_rows(hashes_of(["a", "b", None]).reshape(1, 3), ("en", "de", "fr"))
        assert one == turned == more != swapped


class TestHashFile:
    @given(TEXTS)
    def test_tells_which_rows_have_a_text_that_came_before(
        self, tmp_path_factory: pytest.TempPathFactory, texts: list[str | None]
    ) -> None:
        file = HashFile(tmp_path_factory.mktemp("hashes") / "a")
        file.add(hashes_of(texts).reshape(-1, 1))
        expected = [text is not None and text in texts[:n] for n, text in enumerate(texts)]
        assert file.repeated().tolist() == expected

    @given(TEXTS, TEXTS)
    def test_tells_which_rows_have_a_text_that_another_has_too(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        texts: list[str | None],
        others: list[str | None],
    ) -> None:
        folder = tmp_path_factory.mktemp("hashes")
        file, other = HashFile(folder / "a"), HashFile(folder / "b")
        file.add(hashes_of([*texts, *reversed(texts)]).reshape(2, -1).T)
        other.add(hashes_of(others).reshape(-1, 1))
        known = {text for text in others if text is not None}
        rows = zip(texts, reversed(texts), strict=True)
        assert file.found_in(other).tolist() == [bool({*row} & known) for row in rows]

    @given(TEXTS)
    def test_gives_all_hashes_in_ascending_order_each_once(
        self, tmp_path_factory: pytest.TempPathFactory, texts: list[str | None]
    ) -> None:
        file = HashFile(tmp_path_factory.mktemp("hashes") / "a")
        file.add(hashes_of(texts).reshape(-1, 1))
        expected = sorted({*hashes_of(texts).tolist()} - {0})
        assert np.concatenate(list(file.ascending())).tolist() == expected

    def test_may_be_asked_between_additions_of_any_size(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hashes, "_AT_ONCE", 10)
        file, numbers = HashFile(tmp_path / "a"), np.random.default_rng(0)
        texts = [str(number) for number in numbers.integers(300, size=1000)]
        for begin in range(0, 1000, 7):
            file.add(hashes_of(texts[begin : begin + 7]).reshape(-1, 1))
            if begin % 350 == 0:
                assert not file.repeated()[0]
        assert np.flatnonzero(~file.repeated()).tolist() == sorted(
            texts.index(text) for text in set(texts)
        )
