"""Dictionaries are mined from texts and their translations."""

import gzip
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.telemetry import Event, Telemetry
from isthmus.text.dictionary.cooccurrence import cooccurrence, counted
from isthmus.text.dictionary.from_texts import mined
from isthmus.text.dictionary.ibm1 import probabilities
from isthmus.text.dictionary.mining import Mining, mine
from isthmus.text.dictionary.numbered import Numbered
from tests.real_data import BESIDE, needs
from tests.unit.multilingual.made_texts import Lines, parallel, word
from tests.unit.text.dictionary import slow_ibm1

MULTILINGUAL = BESIDE / "multilingual"

ALL = Mining(least_count=1, least_score=0.0)

a_text = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=4)
texts = st.lists(st.tuples(a_text, a_text), min_size=1, max_size=6)


def verses(languages: Sequence[str], rows: int) -> dict[str, list[str]]:
    found = dict[str, list[str]]()
    for language in languages:
        with gzip.open(
            MULTILINGUAL / "bible" / f"{language}.txt.gz", "rt", encoding="utf-8"
        ) as file:
            found[language] = [
                line.rstrip("\n") for line, _ in zip(file, range(rows), strict=False)
            ]
    return found


def split(lines: list[str]) -> list[list[str]]:
    return [line.split() for line in lines]


class TestProbabilities:
    @given(texts, st.integers(1, 6))
    def test_equal_those_of_the_textbook(
        self, rows: list[tuple[list[str], list[str]]], rounds: int
    ) -> None:
        left, right = [row[0] for row in rows], [row[1] for row in rows]
        ours, theirs = Numbered.of(left, 99), Numbered.of(right, 99)
        cells = cooccurrence(counted(ours), counted(theirs))
        found = probabilities(cells, cells.left, cells.right, rounds)
        slow = slow_ibm1.probabilities(left, right, rounds)
        assert len(found) == len(slow)
        for source, target, learned in zip(
            cells.left.of_pair, cells.right.of_pair, found, strict=True
        ):
            pair = (ours.vocabulary[source], theirs.vocabulary[target])
            assert learned == pytest.approx(slow[pair], abs=1e-5)

    def test_of_a_word_sum_to_one(self) -> None:
        lines = parallel(["xa", "xb"], 50)
        ours, theirs = (Numbered.of(split(lines[language]), 99) for language in ("xa", "xb"))
        cells = cooccurrence(counted(ours), counted(theirs))
        found = probabilities(cells, cells.right, cells.left)
        assert np.bincount(cells.right.of_pair, found) == pytest.approx(1, abs=1e-5)


class TestMine:
    def test_finds_what_each_word_means(self) -> None:
        lines = parallel(["xa", "xb"])
        dictionary = mine(split(lines["xa"]), split(lines["xb"]), ("xa", "xb"))
        for number in range(40):
            ours, theirs = word(number, "xa"), word(number, "xb")
            assert dictionary.translations("xa", "xb", ours)[0].word == theirs
            assert dictionary.translations("xb", "xa", theirs)[0].word == ours

    @given(texts)
    def test_scores_by_both_directions(self, rows: list[tuple[list[str], list[str]]]) -> None:
        left, right = [row[0] for row in rows], [row[1] for row in rows]
        forth = slow_ibm1.probabilities(left, right, 5)
        back = slow_ibm1.probabilities(right, left, 5)
        dictionary = mine(left, right, ("xa", "xb"), ALL)
        for (source, target), probability in forth.items():
            scores = dict(dictionary.translations("xa", "xb", source))
            assert scores.get(target, 0.0) == pytest.approx(
                probability * back[target, source], abs=1e-3
            )

    def test_leaves_out_rare_words(self) -> None:
        left, right = [["often"]] * 3 + [["twice"]] * 2, [["oft"]] * 3 + [["zweimal"]] * 2
        dictionary = mine(left, right, ("en", "de"))
        assert list(dictionary.table("en", "de")) == ["often"]

    def test_leaves_out_pairs_that_one_direction_doubts(self) -> None:
        left, right = [["common", f"{n}"] for n in range(60)], [[f"w{n}"] for n in range(60)]
        dictionary = mine(left, right, ("xa", "xb"), Mining(least_count=1, least_score=0.05))
        assert not dictionary.translations("xa", "xb", "common")

    def test_of_no_texts_is_empty(self) -> None:
        assert len(mine([], [], ("en", "de"))) == 0
        assert len(mine([[]], [["das"]], ("en", "de"), ALL)) == 0

    def test_reads_no_more_rows_than_it_may_have_cells(self) -> None:
        lines = parallel(["xa", "xb"], 200)
        few = mine(split(lines["xa"]), split(lines["xb"]), ("xa", "xb"), Mining(most_cells=900))
        assert 0 < len(few.table("xa", "xb")) < 40

    def test_reads_the_beginnings_of_long_texts(self) -> None:
        left, right = [["a", "b"]] * 5, [["x", "y"]] * 5
        dictionary = mine(left, right, ("en", "de"), Mining(most_words=1))
        assert list(dictionary.rows()) == [("de", "x", "en", "a", 1.0), ("en", "a", "de", "x", 1.0)]


@needs(MULTILINGUAL)
class TestBible:
    def test_tells_what_words_mean(self) -> None:
        dictionary = mined({"bible": Lines(verses(("de", "en"), 5000))}, Telemetry())
        expected = {"house": "haus", "king": "könig", "water": "wasser", "three": "drei"}
        best = {word: dictionary.translations("en", "de", word)[0].word for word in expected}
        assert best == expected


class TestMined:
    def test_is_what_mining_each_pair_of_languages_gives(self) -> None:
        lines = parallel(["xa", "xb", "xc"], 60)
        together = mined({"all": Lines(lines)}, Telemetry())
        for pair in (("xa", "xb"), ("xa", "xc"), ("xb", "xc")):
            alone = mine(split(lines[pair[0]]), split(lines[pair[1]]), pair)
            for direction in (pair, pair[::-1]):
                assert together.table(*direction) == alone.table(*direction)

    def test_joins_rows_of_several_corpora(self) -> None:
        lines = parallel(["xa", "xb"], 60)
        halves = {
            name: Lines({language: each[part] for language, each in lines.items()})
            for name, part in (("one", slice(25)), ("two", slice(25, None)))
        }
        other = Lines({"xa": ["alone"], "xc": ["allein"]})
        both = mined({"one": halves["one"], "other": other, "two": halves["two"]}, Telemetry())
        assert both.table("xa", "xb") == mined({"all": Lines(lines)}, Telemetry()).table("xa", "xb")

    def test_takes_rows_that_have_both_texts(self) -> None:
        lines = parallel(["xa", "xb"], 60)
        gaps: dict[str, list[str | None]] = {
            "xa": [text if row % 3 else None for row, text in enumerate(lines["xa"])],
            "xb": [text if row % 5 else "" for row, text in enumerate(lines["xb"])],
        }
        whole = [row for row in range(60) if row % 3 and row % 5]
        kept = {language: [each[row] for row in whole] for language, each in lines.items()}
        assert mined({"gaps": Lines(gaps)}, Telemetry()) == mined({"no": Lines(kept)}, Telemetry())

    def test_needs_no_more_rows_than_it_is_allowed(self) -> None:
        lines = parallel(["xa", "xb"], 100)
        few = mined({"all": Lines(lines)}, Telemetry(), Mining(least_count=1), most_rows=5)
        assert 0 < len(few.table("xa", "xb")) < 40

    def test_of_texts_in_one_language_is_empty(self) -> None:
        assert len(mined({"one": Lines({"xa": ["alone"]})}, Telemetry())) == 0

    def test_tells_how_far_it_is(self) -> None:
        events = list[Event]()
        mined({"all": Lines(parallel(["xa", "xb", "xc"], 9))}, Telemetry(events.append))
        assert [(event.done, event.total) for event in events] == [(0, 3), (1, 3), (2, 3), (3, 3)]
