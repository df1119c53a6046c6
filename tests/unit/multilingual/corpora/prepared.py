"""Corpora that tests of this folder write and prepare."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isthmus.core.spec import convert
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.corpora.preparation import prepare
from isthmus.multilingual.corpora.rows import Row
from isthmus.multilingual.corpora.sources import Source, sources_of
from isthmus.multilingual.corpora.texts import Corpora, Texts
from isthmus.multilingual.spec import Multilingual

Lines = Sequence[Sequence[str]]


def job(**keys: Any) -> Multilingual:
    """The `[multilingual]` table with these keys."""
    return convert(keys, Multilingual, "job")


def write(path: Path, content: str | bytes) -> Path:
    """Write a file, compressed if its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def tsv(path: Path, names: Sequence[str], lines: Lines) -> Path:
    """Write a table."""
    return write(path, "".join("\t".join(line) + "\n" for line in [names, *lines]))


def pairs(rows: int, word: str = "text") -> Lines:
    """Different texts in English and German, and the document of each: ten of a document."""
    return [(f"{word} {n}", f"deutscher {word} {n}", f"{word} {n // 10}") for n in range(rows)]


def prepared(folder: Path, spec: Multilingual, seed: int = 7) -> Corpora:
    """Prepare the corpora of a job in this folder."""
    prepare(spec, folder, seed, folder / "run" / "corpora", Telemetry())
    return Corpora(folder / "run" / "corpora")


def source(folder: Path, **corpus: Any) -> Source:
    """A single corpus of a job in this folder."""
    spec = job(corpora={"a": corpus}, objectives={"pairs": 0})
    return sources_of(spec, folder)[0][0]


def read(folder: Path, **corpus: Any) -> list[Row]:
    """The rows of a single corpus, as they are in its files."""
    return [Row(row.document, tuple(row.texts)) for row in source(folder, **corpus).rows()]


def rows_of(texts: Texts) -> list[Mapping[str, str | None]]:
    """All rows of a corpus."""
    return [
        dict(zip(block, row, strict=True))
        for block in texts.blocks()
        for row in zip(*block.values(), strict=True)
    ]
