"""TF-IDF of words and of runs of characters is that of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from isthmus.evaluation.retrieval.scores import Scores
from isthmus.text.retrieval.bags import bags_of_runs, bags_of_words
from isthmus.text.retrieval.tfidf import tfidf

texts = st.lists(st.text(st.sampled_from("abcdé中 \n?İ"), max_size=12), min_size=1, max_size=6)


def whole(scores: Scores) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return scores.block(0, scores.shape[0])


class TestTfidf:
    @given(texts, texts)
    def test_of_characters_equals_that_of_scikit_learn(
        self, left: list[str], right: list[str]
    ) -> None:
        if not any("".join(text.split()) for text in left + right):
            return
        known = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(2, 4))
        known.fit(left + right)
        expected = (known.transform(left) @ known.transform(right).T).toarray()
        found = whole(tfidf(bags_of_runs(left), bags_of_runs(right)))
        assert found == pytest.approx(expected, abs=1e-5)

    @given(texts, texts)
    def test_of_words_equals_that_of_scikit_learn(self, left: list[str], right: list[str]) -> None:
        if not any(text.split() for text in left + right):
            return
        known = TfidfVectorizer(sublinear_tf=True, analyzer=str.split)
        known.fit(left + right)
        expected = (known.transform(left) @ known.transform(right).T).toarray()
        vocabulary = dict[str, int]()
        sides = [
            bags_of_words([text.split() for text in side], vocabulary) for side in (left, right)
        ]
        assert whole(tfidf(*sides)) == pytest.approx(expected, abs=1e-5)

    def test_counts_block_by_block(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lines = ["one two", "", "two three", "four", "one"]
        at_once = bags_of_runs(lines)
        monkeypatch.setattr("isthmus.text.retrieval.bags.BLOCK", 2)
        in_blocks = bags_of_runs(lines)
        assert (at_once.keys == in_blocks.keys).all()
        assert (at_once.counts != in_blocks.counts).nnz == 0

    def test_of_no_texts_is_empty(self) -> None:
        assert whole(tfidf(bags_of_runs([]), bags_of_runs(["some"]))).shape == (0, 1)
