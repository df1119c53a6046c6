"""The benchmark of encoders runs, on made-up texts that say nothing; no rival is installed here."""

import gzip
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bench_multilingual, bibles
from benchmarks.bench_multilingual import Found, Rival, Scored, Sizes, quality, shortfalls
from benchmarks.bibles import BIBLE, NTREX, SETS, TATOEBA
from benchmarks.multilingual_contest import CHARACTERS, COSINE, CSLS, DICTIONARY, FUSED
from benchmarks.multilingual_training import Trained
from isthmus.core.errors import SpecError

LANGUAGES = ("de", "en")
LETTERS = {"de": "abcdefghij", "en": "klmnopqrst"}
SIZES = Sizes(seeds=(0,), steps=(2,), long=(), processes=1, table={"encoder": {"vocabulary": 512}})
BEFORE = {"read": 1.0, "vocabulary": 10.0, "dictionary": 20.0}


def text(row: int, language: str) -> str:
    """A text of eight words that mean the same in both languages."""
    random = np.random.default_rng(row)
    digits = LETTERS[language]
    numbers = random.integers(1000, size=8)
    return " ".join("".join(digits[int(each)] for each in f"{number:03}") for number in numbers)


def write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    verses = range(480)
    keys = [f"Book {row // 20}:{row % 20}" for row in verses]
    write(tmp_path / BIBLE / "keys.txt.gz", keys)
    for language in LANGUAGES:
        write(tmp_path / BIBLE / f"{language}.txt.gz", [text(row, language) for row in verses])
    for begin, name in ((1000, "tatoeba/tatoeba.deu-eng.{}"), (2000, "ntrex/{}.txt")):
        for language, code in (("de", "deu"), ("en", "eng")):
            lines = [text(row, language) for row in range(begin, begin + 30)]
            write(tmp_path / f"{name.format(code)}.gz", lines)
    return tmp_path


@contextmanager
def nowhere() -> Generator[Path]:
    raise SpecError("it is not on the index.")
    yield


def scored(top1: float, fused: float, pairs: float = 80.0) -> Scored:
    values = {COSINE: top1, CSLS: top1, FUSED: fused}
    figures = {name: dict.fromkeys(SETS, value) for name, value in values.items()}
    return Scored(Trained(20.0, pairs, 1.0, 100.0), figures)


WITHOUT = {name: dict.fromkeys(SETS, 50.0) for name in (DICTIONARY, CHARACTERS)}


class TestTexts:
    def test_hold_out_whole_chapters(self, folder: Path) -> None:
        found = bibles.read(folder, LANGUAGES)
        assert len(found.chapters) == 480 - 40
        assert len(found.tests[BIBLE]["en"]) == 40
        assert not set(found.tests[BIBLE]["en"]) & set(found.verses["en"])
        assert set(found.tests) == {BIBLE, "tatoeba-de", NTREX}

    def test_choose_settings_on_other_chapters(self, folder: Path) -> None:
        final, tuning = (bibles.read(folder, LANGUAGES, tuning=tuning) for tuning in (False, True))
        assert not set(final.tests[BIBLE]["en"]) & set(tuning.tests[BIBLE]["en"])
        assert not set(final.tests[BIBLE]["en"]) & set(tuning.verses["en"])
        assert set(tuning.tests) == {BIBLE}


class TestMeasure:
    def test_compares_what_there_is(self, folder: Path) -> None:
        found = bench_multilingual.measure(SIZES, lambda: bibles.read(folder, LANGUAGES), nowhere)
        rows = found.tables["Quality by CPU seconds"]
        assert [row["what"] for row in rows] == [
            "characters",
            "dictionary",
            "static, up to 2 steps, cosine",
            "static, up to 2 steps, CSLS",
            "static, up to 2 steps, with the dictionary",
        ]
        assert "sentence-transformers was not measured: it is not on the index." in str(found)
        assert float(str(rows[1][BIBLE])) > float(str(rows[0][BIBLE]))


class TestQuality:
    def test_counts_all_seconds_from_the_files_on(self) -> None:
        rows = quality({"static": [scored(90, 95)]}, Found(), WITHOUT, BEFORE)
        assert [row["CPU s"] for row in rows] == [1.0, 21.0, 31.0, 31.0, 51.0]


class TestShortfalls:
    def test_name_aims_that_are_missed(self) -> None:
        short = shortfalls({"static": [scored(47, 75)]}, Found(), WITHOUT, BEFORE)
        assert short == [
            "static, cosine, bible: 47.0; the aim is 96.",
            "static, cosine, ntrex: 47.0; the aim is 48.",
            "static, fused, bible: 75.0; the aim is 97.",
        ]

    def test_name_what_is_no_better_together(self) -> None:
        short = shortfalls({"static": [scored(99, 98)]}, Found(), WITHOUT, BEFORE)
        assert [line for line in short if "one alone" in line] == [
            f"static, {name}: 98.0 together, 99.0 by one alone." for name in (BIBLE, TATOEBA, NTREX)
        ]

    def test_name_too_little_speed(self) -> None:
        theirs = scored(10, 10)
        rival = Scored(Rival(60.0, 20.0, 200.0), theirs.figures)
        short = shortfalls({"static": [scored(99, 99.5)]}, {"theirs": [rival]}, WITHOUT, BEFORE)
        assert short == [
            "4.0 times the pairs per CPU second of theirs; the aim is 8.",
            "Embedding is slower than by theirs.",
        ]
