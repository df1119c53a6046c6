"""Counts of words in cells that words share."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isthmus.horizontal.encoders.cells import (
    ROWS,
    SIZE,
    common,
    counted,
    document_counts,
    named,
    places,
)

COUNTS = st.dictionaries(st.text(min_size=1, max_size=8), st.integers(1, 50), max_size=20)


class TestDocumentCounts:
    def test_count_a_word_once_in_a_document_and_the_first_words_only(self) -> None:
        found = document_counts([["a", "b", "a"], ["b", "c", "d"], []], most=2)
        assert found == {"a": 1, "b": 2, "c": 1}


class TestCounted:
    def test_puts_each_word_into_one_cell_of_every_row(self) -> None:
        found = counted({"word": 7}, seed=1)
        assert found.shape == (SIZE,)
        assert np.flatnonzero(found).tolist() == sorted(places(["word"], 1)[0].tolist())
        assert (found[np.flatnonzero(found)] == 7).all()
        assert found.sum() == 7 * ROWS

    def test_takes_other_cells_in_another_job(self) -> None:
        assert places(["word"], 1).tolist() != places(["word"], 2).tolist()

    @given(COUNTS, COUNTS)
    def test_sums_like_the_counts_and_never_below_them(
        self, ours: dict[str, int], theirs: dict[str, int]
    ) -> None:
        total = counted(ours, 3) + counted(theirs, 3)
        for word in {*ours, *theirs}:
            smallest = int(total[places([word], 3)].min())
            assert smallest >= ours.get(word, 0) + theirs.get(word, 0)


class TestNamed:
    def test_are_words_that_all_have_often_enough_and_we_have_ourselves(self) -> None:
        ours = {"both": 12, "ours": 19, "rare": 3, "few": 4}
        theirs = {"both": 8, "theirs": 40, "few": 30}
        cells = common(counted(ours, 1) + counted(theirs, 1), least=20)
        assert named(ours, cells, least=5, seed=1) == {"both": 12}
        assert named(theirs, cells, least=5, seed=1) == {"both": 8, "few": 30, "theirs": 40}

    def test_are_none_that_are_longer_than_words_are(self) -> None:
        counts = {"x" * 65: 100, "x" * 64: 100}
        assert list(named(counts, common(counted(counts, 1), 20), 5, 1)) == ["x" * 64]

    def test_are_none_of_no_words(self) -> None:
        assert named({}, common(counted({}, 1), 20), 5, 1) == {}
