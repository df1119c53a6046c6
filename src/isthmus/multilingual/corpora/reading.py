"""The first pass over a corpus: its texts are normalised and hashed, and both are written down."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from isthmus.core.arrays import Bools
from isthmus.core.errors import disk_full_is_error
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.corpora.hashes import Hashes, hashes_of
from isthmus.multilingual.corpora.misalignment import check_in_step
from isthmus.multilingual.corpora.rows import Row
from isthmus.multilingual.corpora.sources import Source
from isthmus.multilingual.corpora.tallies import Tally
from isthmus.multilingual.corpora.texts import BATCH, Columns, Texts, file_of, written
from isthmus.text.languages import normalised


@dataclass(frozen=True)
class ReadCorpus:
    """A corpus after the first pass: all rows that are not empty."""

    source: Source
    texts: Texts
    """All rows that are not empty."""

    hashes: Path
    tally: Tally

    @property
    def rows(self) -> int:
        """Rows that are not empty."""
        return self.texts.rows

    @property
    def empty(self) -> int:
        """Rows that were left out."""
        return self.tally.read - self.rows

    def blocks(self) -> Iterator[tuple[Hashes, Hashes]]:
        """Read the hashes of the rows.

        Yields:
            Hashes of their documents, shape (rows,), and of their texts, shape (rows, languages).
        """
        columns = 1 + len(self.source.languages)
        with self.hashes.open("rb") as file:
            while piece := file.read(BATCH * columns * 8):
                block = np.frombuffer(piece, np.uint64).reshape(-1, columns)
                yield block[:, 0], block[:, 1:]


def read(source: Source, seed: int, folder: Path, hashes: Path, telemetry: Telemetry) -> ReadCorpus:
    """Read a corpus.

    Args:
        source: The corpus.
        seed: The job's seed, for the hashes of names of documents.
        folder: Where to write its rows.
        hashes: The file for the hashes of its rows.
        telemetry: Receives the progress.

    Returns:
        What was read.

    Raises:
        SpecError: It is not what the job says, or has no rows, or a language has no texts, or two
            languages have the same ones.
    """
    path = file_of(folder, source.name)
    tally = Tally(source)
    with (
        written(path, source.languages) as out,
        disk_full_is_error(hashes),
        hashes.open("wb") as file,
    ):
        for rows in _cut(source.rows()):
            columns, texts = columns_of(rows, source.languages)
            check_in_step(source, columns, tally.read)
            kept = present(texts)
            tally.add(len(rows), texts[kept])
            out.write({name: _chosen(column, kept) for name, column in columns.items()})
            documents = _hashes_of_documents(rows, seed)
            file.write(np.column_stack([documents, texts])[kept].tobytes())
            telemetry.progress("read", tally.read, note=source.name)
    tally.check_rows()
    tally.check_texts()
    tally.check_equal()
    return ReadCorpus(source, Texts(source.name, path), hashes, tally)


def columns_of(rows: Sequence[Row], languages: Sequence[str]) -> tuple[Columns, Hashes]:
    """Normalise rows.

    Args:
        rows: The rows as they were in their file.
        languages: Language of each of their texts.

    Returns:
        The texts by language, and their hashes, shape (rows, languages).
    """
    columns = {
        language: [normalised(row.texts[place] or "") or None for row in rows]
        for place, language in enumerate(languages)
    }
    return columns, np.stack([hashes_of(column) for column in columns.values()], axis=1)


def present(texts: Hashes) -> Bools:
    """Returns which rows are not empty: of several languages, a row needs two to say anything."""
    fewest = min(texts.shape[1], 2)
    found: Bools = np.count_nonzero(texts, axis=1) >= fewest
    return found


def _hashes_of_documents(rows: Sequence[Row], seed: int) -> Hashes:
    """Returns the seeded hash of the name of each row's document, shape (rows,)."""
    names = [row.document or "" for row in rows]
    known = list(dict.fromkeys(names))
    hashes = hashes_of([f"{seed}\x1f{name}" for name in known])
    number = {name: place for place, name in enumerate(known)}
    return hashes[[number[name] for name in names]]


def _chosen(column: Sequence[str | None], kept: Bools) -> list[str | None]:
    return [text for text, keep in zip(column, kept.tolist(), strict=True) if keep]


def _cut(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while block := list(islice(rows, BATCH)):
        yield block
