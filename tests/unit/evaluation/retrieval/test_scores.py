"""Scores of texts are what their formulas say, in blocks or at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.evaluation.retrieval import scores as module
from isthmus.evaluation.retrieval.scores import (
    CslsScores,
    DenseScores,
    KeptScores,
    Scores,
    SumOfScores,
    centred,
    kept,
    unit,
)

numbers = st.integers(1, 2**32)


def drawn(seed: int, rows: int, columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


def whole(scores: Scores) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return scores.block(0, scores.shape[0])


class TestCsls:
    @given(numbers, st.integers(1, 30), st.integers(1, 30), st.integers(1, 12))
    def test_takes_off_the_neighbourhoods_of_both(
        self, seed: int, rows: int, columns: int, neighbours: int
    ) -> None:
        plain = drawn(seed, rows, columns)
        of_rows = np.sort(plain, axis=1)[:, -neighbours:].mean(axis=1)
        of_columns = np.sort(plain, axis=0)[-neighbours:].mean(axis=0)
        found = whole(CslsScores(KeptScores(plain), neighbours))
        assert found == pytest.approx(2 * plain - of_rows[:, None] - of_columns, abs=1e-5)

    def test_is_the_same_in_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scores = DenseScores(unit(drawn(1, 50, 8)), unit(drawn(2, 40, 8)))
        at_once = whole(CslsScores(scores))
        monkeypatch.setattr(module, "_CELLS", 7 * 40)
        in_blocks = CslsScores(scores)
        assert in_blocks.block(9, 21) == pytest.approx(at_once[9:21], abs=1e-6)


class TestVectors:
    def test_are_of_length_one_unless_they_are_zero(self) -> None:
        vectors = unit(np.array([[3, 4], [0, 0]], np.float32))
        assert vectors == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))

    def test_lose_what_all_have_in_common(self) -> None:
        shifted = drawn(3, 20, 4) + 100
        assert centred(shifted) == pytest.approx(centred(shifted - 100), abs=1e-3)

    def test_are_compared_by_cosine(self) -> None:
        left, right = unit(drawn(4, 3, 5)), unit(drawn(5, 2, 5))
        expected = [[float(ours @ theirs) for theirs in right] for ours in left]
        assert whole(DenseScores(left, right)) == pytest.approx(np.array(expected), abs=1e-6)


class TestSum:
    def test_is_weighted(self) -> None:
        one, two = KeptScores(drawn(6, 3, 4)), KeptScores(drawn(7, 3, 4))
        assert whole(SumOfScores([one, two], [1, 2])) == pytest.approx(whole(one) + 2 * whole(two))

    def test_is_kept_if_it_is_small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scores = SumOfScores([KeptScores(drawn(8, 3, 4))], [1])
        assert isinstance(kept(scores), KeptScores)
        monkeypatch.setattr(module, "_KEPT", 11)
        assert kept(scores) is scores
