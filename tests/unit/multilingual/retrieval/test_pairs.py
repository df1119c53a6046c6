"""Pairs are mined one to one, above a threshold that is chosen where the truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import SpecError
from isthmus.evaluation.retrieval import scores as module
from isthmus.evaluation.retrieval.scores import CslsScores, DenseScores, KeptScores, unit
from isthmus.multilingual.retrieval.pairs import at, pairs, threshold


def of(rows: list[list[float]]) -> KeptScores:
    return KeptScores(np.array(rows, np.float32))


def partly_parallel(texts: int, without: int, noise: float = 0.3) -> tuple[CslsScores, list[int]]:
    """Vectors of texts, of which the last ones have no translation; translations are shuffled."""
    random = np.random.default_rng(0)
    left = random.normal(size=(texts, 16)).astype(np.float32)
    right = left + noise * random.normal(size=left.shape).astype(np.float32)
    right[texts - without :] = random.normal(size=(without, 16))
    order = random.permutation(texts)
    true = np.argsort(order)
    true[texts - without :] = -1
    return CslsScores(DenseScores(unit(left), unit(right[order]))), true.tolist()


class TestPairs:
    def test_take_each_text_once_and_the_best_first(self) -> None:
        found = pairs(of([[0.9, 0.8, 0.1], [0.85, 0.3, 0.2]]))
        assert (found.left.tolist(), found.right.tolist()) == ([0, 1], [0, 2])
        assert found.score == pytest.approx([0.9, 0.2])

    def test_leave_out_what_is_below_the_threshold(self) -> None:
        assert pairs(of([[0.9, 0], [0, 0.3]]), 0.5).left.tolist() == [0]

    def test_find_translations_in_any_order(self) -> None:
        scores, true = partly_parallel(60, 0)
        found = pairs(scores)
        assert dict(zip(found.left.tolist(), found.right.tolist(), strict=True)) == dict(
            enumerate(true)
        )

    @given(st.integers(1, 2**32), st.integers(0, 9), st.integers(0, 9))
    def test_are_one_to_one_and_in_order(self, seed: int, rows: int, columns: int) -> None:
        scores = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
        found = pairs(KeptScores(scores))
        assert len(set(found.left.tolist())) == len(found.left)
        assert len(set(found.right.tolist())) == len(found.right)
        assert (np.diff(found.score) <= 0).all()
        assert found.score == pytest.approx(scores[found.left, found.right])
        if scores.size:
            assert found.score[0] == scores.max()

    def test_are_the_same_in_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scores, _ = partly_parallel(40, 10)
        at_once = pairs(scores)
        monkeypatch.setattr(module, "_CELLS", 40 * 7)
        in_blocks = pairs(scores)
        assert (at_once.left == in_blocks.left).all()
        assert (at_once.right == in_blocks.right).all()


class TestThreshold:
    def test_keeps_pairs_as_precise_as_asked_for(self) -> None:
        scores, true = partly_parallel(200, 100, noise=0.6)
        chosen = threshold(scores, np.array(true), 0.95)
        found = pairs(scores, chosen.score)
        right = (np.array(true)[found.left] == found.right).sum()
        assert right / len(found.left) == pytest.approx(chosen.precision)
        assert right / 100 == pytest.approx(chosen.recall)
        assert (chosen.precision or 0) >= 0.95
        assert chosen.pairs == 100

    def test_balances_precision_and_recall_if_nothing_is_asked_for(self) -> None:
        scores = of([[0.9, 0, 0, 0], [0, 0.8, 0, 0], [0, 0, 0.7, 0], [0, 0, 0, 0.6]])
        chosen = threshold(scores, np.array([0, 1, -1, 3]))
        assert chosen.score == pytest.approx(0.6)
        assert (chosen.precision, chosen.recall) == (0.75, 1.0)
        assert threshold(scores, np.array([0, 1, -1, -1])).score == pytest.approx(0.8)

    def test_that_no_pairs_reach_is_a_sentence(self) -> None:
        with pytest.raises(SpecError, match="no threshold keeps pairs of which 90% are true"):
            threshold(of([[0.9, 0], [0, 0.8]]), np.array([1, 0]), 0.9)

    def test_without_known_pairs_is_a_sentence(self) -> None:
        with pytest.raises(SpecError, match="no held-out pairs"):
            threshold(of([[0.9]]), np.array([-1]))

    def test_that_is_given_tells_how_right_pairs_are(self) -> None:
        scores, known = partly_parallel(200, 100, noise=0.6)
        true = np.array(known)
        chosen = threshold(scores, true, 0.95)
        assert at(scores, true, chosen.score) == chosen
        none = at(scores, true, np.inf)
        assert (none.precision, none.recall, none.pairs) == (None, 0.0, 100)
