"""The benchmark of encoders runs, on made-up texts that say nothing; no rival is installed here."""

import gzip
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks import (
    bench_multilingual,
    bibles,
    multilingual_memory,
    multilingual_mining,
    multilingual_trials,
)
from benchmarks.bench_multilingual import Sizes
from benchmarks.bibles import BIBLE, NTREX, SETS, TATOEBA
from benchmarks.multilingual_contest import CHARACTERS, COSINE, CSLS, DICTIONARY, FUSED
from benchmarks.multilingual_memory import Peak
from benchmarks.multilingual_page import (
    Measured,
    objectives,
    quality,
    said_of_layers,
    said_of_objectives,
    shortfalls,
)
from benchmarks.multilingual_speed import PAIRS, TOKENS, Speed
from benchmarks.multilingual_training import Trained
from benchmarks.multilingual_trials import TEACHER, Kept, Result, Rival, Trial
from isthmus.core.errors import SpecError

LANGUAGES = ("de", "en")
LETTERS = {"de": "abcdefghij", "en": "klmnopqrst"}
SMALL: dict[str, object] = {"encoder": {"vocabulary": 512}, "training": {"steps": 2, "batch": 64}}
SIZES = Sizes(
    trials=(
        Trial(TEACHER, SMALL),
        Trial(
            "static: pairs and distillation",
            {**SMALL, "objectives": {"distillation": 1.0}},
            tokens=2000,
            distils=True,
        ),
        Trial("sentence-transformers, rate 0.2", rate=0.2, steps=2),
    ),
    forms=(),
    speeds=(),
)
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


def result(top1: float, fused: float, **masked: float) -> Result:
    values = {COSINE: top1, CSLS: top1, FUSED: fused}
    figures = {name: dict.fromkeys(SETS, value) for name, value in values.items()}
    return Result(Trained(20.0, 80.0, 1.0, 100.0, masked=masked), None, figures)


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
            "static, 200 steps, cosine",
            "static, 200 steps, csls",
            "static, 200 steps, with the dictionary",
        ]
        assert "sentence-transformers was not measured: it is not on the index." in str(found)
        assert "Not measured: sentence-transformers, rate 0.2." in found.falls_short
        assert float(str(rows[1][BIBLE])) > float(str(rows[0][BIBLE]))
        (added,) = found.tables["Objectives added to pairs, at equal pieces read"]
        assert added["what"] == "static: pairs and distillation"
        assert {"mlm, right", "tlm, right", "camlm, right"} < set(added)
        mined = found.tables["Mining"]
        assert [row["score"] for row in mined[:3]] == list(multilingual_mining.SCORES)

    def test_goes_on_with_what_is_kept(self, tmp_path: Path) -> None:
        kept = Kept(tmp_path / "kept")
        trial = Trial("static, 200 steps", seeds=(0, 1))
        for seed in trial.seeds:
            kept.put(f"{trial.name}, seed {seed}", result(90, 95))
        multilingual_trials.go_on(kept, [trial], 0.0, None)
        assert kept.results(trial) == [result(90, 95)] * 2


class TestMemory:
    @pytest.mark.parametrize("form", multilingual_memory.FORMS)
    def test_of_every_form_is_measured(self, form: str) -> None:
        said = multilingual_memory.write_and_read(form, 2000)
        found = msgspec.json.decode(said, type=Peak)
        assert found.form == form
        assert found.bytes > 10**7


class TestQuality:
    def test_counts_all_seconds_from_the_files_on(self) -> None:
        rows = quality({"static, 200 steps": [result(90, 95)]}, WITHOUT, BEFORE)
        assert [row["CPU s"] for row in rows] == [1.0, 21.0, 31.0, 31.0, 51.0]

    def test_leaves_reading_and_vocabulary_out_of_a_rival(self) -> None:
        rival = Result(None, Rival(7.0, 1.0, 1.0), result(50, 50).figures)
        rows = quality({"sentence-transformers, rate 1": [rival]}, WITHOUT, BEFORE)
        assert [row["CPU s"] for row in rows[2:]] == [7.0, 7.0]


class TestObjectives:
    def test_are_told_as_points_above_pairs_alone(self) -> None:
        found = {
            "tiny: pairs": [result(50, 50, mlm=1.0)],
            "tiny: pairs and mlm": [result(48, 50, mlm=9.5)],
        }
        rows = objectives(found)
        assert [row[BIBLE] for row in rows] == ["50.0", "48.0 (-2.0)"]
        assert [row["mlm, right"] for row in rows] == ["1.0", "9.5"]


class TestSaid:
    def test_of_layers_and_objectives_is_what_was_found(self) -> None:
        found = {
            "static, 200 steps": [result(98, 99)],
            "tiny from scratch, 60 s": [result(44, 99)],
            "tiny: pairs": [result(50, 50)],
            "tiny: pairs and mlm": [result(48, 50)],
            "tiny: pairs and switched": [result(52, 50)],
        }
        assert said_of_layers(found) == [
            "tiny from scratch, 60 s, cosine: below 'static, 200 steps' on all."
        ]
        assert said_of_objectives(found) == [
            "Added to pairs of tiny, helped on all three sets: switched of mlm, switched."
        ]


class TestShortfalls:
    def of(self, top1: float, fused: float) -> Measured:
        return Measured({"static, 200 steps": [result(top1, fused)]}, WITHOUT, BEFORE)

    def test_name_aims_that_are_missed(self) -> None:
        assert shortfalls(self.of(47, 75)) == [
            "static, 200 steps, cosine, bible: 47.0; the aim is 96.",
            "static, 200 steps, cosine, ntrex: 47.0; the aim is 48.",
            "static, 200 steps, fused, bible: 75.0; the aim is 97.",
        ]

    def test_name_what_is_no_better_together(self) -> None:
        short = shortfalls(self.of(99, 98))
        assert [line for line in short if "one alone" in line] == [
            f"static, 200 steps, {name}: 98.0 together, 99.0 by one alone."
            for name in (BIBLE, TATOEBA, NTREX)
        ]

    def test_name_too_little_speed_and_too_much_memory(self) -> None:
        measured = self.of(99, 99.5)._replace(
            speeds=[
                Speed(PAIRS, "static", "theirs", 80.0, 20.0),
                Speed(TOKENS, "tiny", "theirs", 80.0, 20.0),
            ],
            peaks={"tsv": [Peak("tsv", 100, 1.0), Peak("tsv", 120, 1.0)]},
        )
        assert shortfalls(measured) == [
            "pairs trained on, static: 4.0 times theirs; the aim is 8.",
            "Memory of reading tsv grows by 20.0%; the aim is 10%.",
        ]
