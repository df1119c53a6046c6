"""Bibles, short sentences of Tatoeba and news of NTREX in several languages, as files of a job."""

import gzip
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("de", "en", "es", "ru")

TRAIN = "train"
BIBLE, TATOEBA, NTREX = "bible", "tatoeba", "ntrex"
SETS = (BIBLE, TATOEBA, NTREX)

ENGLISH = "en"
CODES = {"de": "deu", "es": "spa", "ru": "rus", "fr": "fra", "zh": "cmn"}
OF_NTREX = {**CODES, "en": "eng", "zh": "zho-CN"}

PARTS = 12
"""One of so many parts of the chapters is tested, another is for choosing settings."""

SPLIT = 7
"""Seed of the order of the chapters."""

ROWS = 1000
"""Verses that are tested."""

MOST = 10_000
"""Rows of a test that are scored: all."""

LONG = 25
"""Characters of a verse that is tested, more than."""

Texts = Mapping[str, Sequence[str]]
"""Texts by language, row by row."""


@dataclass(frozen=True)
class Bibles:
    """Verses to train on, and texts to test on."""

    verses: Texts
    chapters: Sequence[str]
    """Of each verse."""

    tests: Mapping[str, Texts]
    """By name of the file: of Tatoeba there is one for each language beside English."""


def read(folder: Path, languages: Sequence[str] = LANGUAGES, *, tuning: bool = False) -> Bibles:
    """Read all texts.

    Args:
        folder: Has the folders `bible`, `tatoeba` and `ntrex`.
        languages: Of the verses.
        tuning: Whether to test on the chapters for choosing settings instead; then neither they nor
            those of the test are trained on, and Tatoeba and NTREX are left out.

    Returns:
        The texts.
    """
    keys = _lines(folder / BIBLE / "keys.txt.gz")
    chapters = [key.rpartition(":")[0] for key in keys]
    verses = {each: _lines(folder / BIBLE / f"{each}.txt.gz", len(keys)) for each in languages}
    parts = _parts(chapters)
    tested, apart = parts[1 if tuning else 0], parts[0] | parts[1] if tuning else parts[0]
    trained = [row for row, chapter in enumerate(chapters) if chapter not in apart]
    long = [
        row
        for row, chapter in enumerate(chapters)
        if chapter in tested and all(len(each[row]) > LONG for each in verses.values())
    ]
    random.Random(1).shuffle(long)
    tests: dict[str, Texts] = {BIBLE: _taken(verses, long[:ROWS])}
    if not tuning:
        tests |= _others(folder, languages)
    return Bibles(_taken(verses, trained), [chapters[row] for row in trained], tests)


def _parts(chapters: Sequence[str]) -> Sequence[set[str]]:
    order = sorted(set(chapters))
    random.Random(SPLIT).shuffle(order)
    size = len(order) // PARTS
    return [set(order[size * part : size * (part + 1)]) for part in range(2)]


def _others(folder: Path, languages: Sequence[str]) -> dict[str, Texts]:
    beside = [each for each in languages if each != ENGLISH]
    found: dict[str, Texts] = {}
    for each in beside:
        stem = f"{TATOEBA}.{CODES[each]}-eng"
        found[f"{TATOEBA}-{each}"] = {
            language: _lines(folder / TATOEBA / f"{stem}.{code}.gz")
            for language, code in ((each, CODES[each]), (ENGLISH, "eng"))
        }
    news = {each: _lines(folder / NTREX / f"{OF_NTREX[each]}.txt.gz") for each in languages}
    return found | {NTREX: news}


def _lines(path: Path, rows: int | None = None) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        lines = file.read().removesuffix("\n").split("\n")
    return lines[:rows]


def _taken(texts: Texts, rows: Iterable[int]) -> Texts:
    kept = list(rows)
    return {language: [each[row] for row in kept] for language, each in texts.items()}


def write(bibles: Bibles, folder: Path) -> None:
    """Write a table of each, `train.tsv` with the chapter of each verse."""
    _write(folder / f"{TRAIN}.tsv", {**bibles.verses, "chapter": bibles.chapters})
    for name, texts in bibles.tests.items():
        _write(folder / f"{name}.tsv", texts)


def _write(path: Path, columns: Texts) -> None:
    cells = [[text.replace("\t", " ") for text in column] for column in columns.values()]
    lines = ["\t".join(columns), *("\t".join(row) for row in zip(*cells, strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def lines_to_embed(folder: Path) -> list[str]:
    """Texts of NTREX in all languages, from the files of `write`."""
    lines = (folder / f"{NTREX}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [cell for line in lines for cell in line.split("\t")]


def job(bibles: Bibles) -> dict[str, object]:
    """The job file for what `write` wrote, as a dictionary."""
    corpus = {
        "path": f"{TRAIN}.tsv",
        "languages": list(bibles.verses),
        "documents": "chapter",
    }
    tests = {
        name: {"path": f"{name}.tsv", "languages": list(texts)}
        for name, texts in bibles.tests.items()
    }
    table = {"held_out": 0.0, "test_rows": MOST, "corpora": {"bibles": corpus}, "tests": tests}
    return {"name": "bibles", "seed": 0, "multilingual": table}
