"""An encoder is measured beside its rivals, for every pair of languages."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from isthmus.core.telemetry import Telemetry
from isthmus.evaluation.retrieval.measures import measured
from isthmus.multilingual.retrieval import layers
from isthmus.multilingual.retrieval.evaluation import METHODS, PLAIN, Compared, evaluate
from isthmus.text.dictionary.dictionary import Dictionary
from isthmus.text.dictionary.from_texts import mined
from isthmus.text.retrieval.lexical import WordedTexts, character_scores, lexical_scores
from tests.unit.multilingual.made_texts import Lines, meant, parallel


def by_number(texts: Sequence[str]) -> NDArray[np.float32]:
    """An encoder that knows all languages: words count by what they mean."""
    vectors = np.zeros((len(texts), 40), np.float32)
    for row, text in enumerate(texts):
        np.add.at(vectors[row], meant(text), 1)
    return vectors


def by_length(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.array([[len(text), 1] for text in texts], np.float32)


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return mined({"trained": Lines(parallel(["xa", "xb", "xc"], seed=5))}, Telemetry())


class TestEvaluate:
    def test_names_each_pair_of_languages(self) -> None:
        lines = parallel(["xb", "xa", "xc"], 20)
        trained = {("xa", "xb")}
        found = evaluate(
            Lines(lines), Compared(by_number), data="made", in_domain=True, trained=trained
        )
        assert [(pair.left, pair.right, pair.trained) for pair in found] == [
            ("xa", "xb", True),
            ("xa", "xc", False),
            ("xb", "xc", False),
        ]
        assert {(pair.data, pair.in_domain, pair.rows) for pair in found} == {("made", True, 20)}

    def test_measures_all_methods(self, dictionary: Dictionary) -> None:
        compared = Compared(by_number, by_length, by_length, dictionary)
        lines = Lines(parallel(["xa", "xb"], 80, seed=9))
        (pair,) = evaluate(lines, compared, data="made", in_domain=False, trained=())
        assert set(pair.methods) == {*METHODS, *PLAIN}
        assert pair.methods["encoder"].top1 > 95
        assert pair.methods["encoder_cosine"].top1 > 95
        assert pair.methods["dictionary_tfidf"].top1 > 90
        assert pair.methods["fused"].top1 > 95
        assert pair.methods["untrained"].top1 < 50

    def test_leaves_out_what_there_is_not(self) -> None:
        lines = Lines(parallel(["xa", "xb"], 9))
        (pair,) = evaluate(lines, Compared(by_number), data="made", in_domain=False, trained=())
        assert {"fused", "dictionary_tfidf", "untrained"}.isdisjoint(pair.methods)

    def test_tells_both_ways_apart(self) -> None:
        lines = parallel(["xa", "xb"], 30)
        lines["xb"][1:10] = [f"{text} {lines['xb'][0]}" for text in lines["xb"][1:10]]
        (pair,) = evaluate(
            Lines(lines), Compared(by_number), data="made", in_domain=False, trained=()
        )
        found = pair.methods["encoder_cosine"]
        assert found.top1 == (found.forth.top1 + found.back.top1) / 2
        assert found.forth.top1 != found.back.top1

    def test_measures_each_layer_on_as_many_texts_as_memory_holds(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(layers, "MOST", 40)
        seen = list[int]()

        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            seen.append(len(texts))
            noise = np.random.default_rng(len(seen)).normal(size=(len(texts), 40))
            return np.stack([noise.astype(np.float32), by_number(texts)])

        compared = Compared(by_number, layers=embed)
        lines = Lines(parallel(["xa", "xb", "xc"], 60))
        found = evaluate(lines, compared, data="made", in_domain=False, trained=())
        assert seen == [40, 40, 40]
        for pair in found:
            before, after = pair.layers
            assert before.top1 < 20
            assert after.top1 > 95

    def test_takes_rows_that_have_both_texts(self) -> None:
        lines = parallel(["xa", "xb"], 30)
        gaps: dict[str, list[str | None]] = {
            "xa": [text if row % 3 else None for row, text in enumerate(lines["xa"])],
            "xb": [text if row % 5 else None for row, text in enumerate(lines["xb"])],
            "xc": [None] * 29 + ["alone"],
        }
        (pair,) = evaluate(
            Lines(gaps), Compared(by_number), data="made", in_domain=False, trained=()
        )
        assert (pair.left, pair.right, pair.rows) == ("xa", "xb", 16)
        assert pair.methods["encoder"].top1 == 100

    def test_takes_no_more_than_asked_for(self) -> None:
        seen = list[int]()

        def counting(texts: Sequence[str]) -> NDArray[np.float32]:
            seen.append(len(texts))
            return by_number(texts)

        (pair,) = evaluate(
            Lines(parallel(["xa", "xb"], 50)),
            Compared(counting),
            data="made",
            in_domain=False,
            trained=(),
            most=10,
        )
        assert pair.rows == 10
        assert seen == [10, 10]


class TestLexical:
    def test_translates_both_ways(self, dictionary: Dictionary) -> None:
        lines = parallel(["xa", "xb"], 80, seed=9)
        left, right = (WordedTexts(lines[language], language) for language in ("xa", "xb"))
        assert measured(lexical_scores(left, right, dictionary)).top1 > 90
        assert measured(lexical_scores(left, right, Dictionary({}))).top1 < 50

    def test_finds_names_by_their_characters(self) -> None:
        left = WordedTexts(["Abraham ging", "Isaak kam", "Jakob blieb"], "de")
        right = WordedTexts(["Abraham went", "Isaac came", "Jacob stayed"], "en")
        assert measured(character_scores(left, right)).top1 == 100
        assert measured(lexical_scores(left, right, Dictionary({}))).top1 == 100
