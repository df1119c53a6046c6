"""Retrieval is measured both ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.evaluation.retrieval import scores as module
from isthmus.evaluation.retrieval.measures import measured
from isthmus.evaluation.retrieval.scores import KeptScores


def of(rows: list[list[float]]) -> KeptScores:
    return KeptScores(np.array(rows, np.float32))


class TestMeasured:
    def test_of_right_answers_is_all(self) -> None:
        found = measured(KeptScores(np.eye(5, dtype=np.float32)))
        assert (found.top1, found.mrr) == (100, 100)

    def test_tells_both_ways_apart(self) -> None:
        found = measured(of([[0.5, 0.1], [0.6, 0.7]]))
        assert (found.forth.top1, found.back.top1) == (100, 50)
        assert found.top1 == 75
        assert (found.back.mrr, found.mrr) == (75, 87.5)

    def test_shares_what_scores_alike(self) -> None:
        found = measured(KeptScores(np.zeros((4, 4), np.float32)))
        assert (found.forth.top1, found.back.top1) == (25, 25)
        assert found.forth.mrr == pytest.approx(100 / 2.5)

    @given(st.integers(1, 2**32), st.integers(1, 25))
    def test_equals_what_sorting_gives(self, seed: int, texts: int) -> None:
        scores = np.random.default_rng(seed).normal(size=(texts, texts)).astype(np.float32)
        both = measured(KeptScores(scores))
        for found, table in ((both.forth, scores), (both.back, scores.T)):
            order = (-table).argsort(axis=1)
            ranks = 1 + (order == np.arange(texts)[:, None]).argmax(axis=1)
            assert found.top1 == pytest.approx(100 * (ranks == 1).mean())
            assert found.mrr == pytest.approx(100 * (1 / ranks).mean())

    def test_is_the_same_in_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scores = KeptScores(np.random.default_rng(0).normal(size=(30, 30)).astype(np.float32))
        at_once = measured(scores)
        monkeypatch.setattr(module, "_CELLS", 30 * 7)
        assert measured(scores) == at_once
