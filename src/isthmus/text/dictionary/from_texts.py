"""A dictionary mined from all corpora of a job, language pair by language pair."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Protocol

import numpy as np

from isthmus.core.arrays import Bools
from isthmus.core.telemetry import Telemetry
from isthmus.text.dictionary.dictionary import Dictionary, Direction, Table
from isthmus.text.dictionary.mining import USUAL, Mining, tables_of
from isthmus.text.dictionary.numbered import Numbered, Rows
from isthmus.text.languages import words

MOST_ROWS = 100_000
"""Rows of a corpus that a language pair is mined from: more take time, and add little."""

BLOCK = 4096
"""Texts that are read at a time."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class TranslatedTexts(Protocol):
    """Rows with texts in several languages, some of which may be missing."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Of the texts."""
        ...

    @property
    def rows(self) -> int:
        """How many there are."""
        ...

    def present(self, language: str) -> Bools:
        """Returns which rows have a text in this language."""
        ...

    def read(self, language: str, rows: Rows) -> list[str | None]:
        """Returns the texts of these rows."""
        ...


Pair = tuple[str, str]
"""Two languages, in the order of the alphabet."""


def mined(
    corpora: Mapping[str, TranslatedTexts],
    telemetry: Telemetry,
    mining: Mining = USUAL,
    most_rows: int = MOST_ROWS,
) -> Dictionary:
    """Mine corpora for what translates what.

    Each language is cut into words once, whatever the number of languages beside it.

    Args:
        corpora: By name.
        telemetry: Takes an event for each pair of languages.
        mining: What is kept.
        most_rows: Of a corpus, for a pair of languages.

    Returns:
        A dictionary of all pairs of languages that have rows in common.
    """
    chosen = _chosen(list(corpora.values()), most_rows)
    languages = {
        language: _Words(list(corpora.values()), language, chosen)
        for language in sorted({language for pair in chosen for language in pair})
    }
    tables = dict[Direction, Table]()
    for done, (pair, rows) in enumerate(chosen.items()):
        telemetry.progress("dictionary", done, len(chosen), note=f"{pair[0]} and {pair[1]}")
        left, right = pair
        found = tables_of(languages[left].take(rows), languages[right].take(rows), mining)
        tables[left, right], tables[right, left] = found
    telemetry.progress("dictionary", len(chosen), len(chosen))
    return Dictionary(tables)


Chosen = Mapping[Pair, Sequence[Rows]]
"""Rows of each corpus, for each pair of languages."""


def _chosen(corpora: Sequence[TranslatedTexts], most: int) -> Chosen:
    chosen = dict[Pair, list[Rows]]()
    for number, texts in enumerate(corpora):
        present = {language: texts.present(language) for language in texts.languages}
        for left, right in combinations(sorted(present), 2):
            rows = spread(np.flatnonzero(present[left] & present[right]), most)
            if len(rows):
                empty = [np.zeros(0, np.int64) for _ in corpora]
                chosen.setdefault((left, right), empty)[number] = rows
    return dict(sorted(chosen.items()))


def spread(rows: Rows, most: int) -> Rows:
    """Returns rows evenly spread over all, nearly the same ones for each pair of languages."""
    if len(rows) <= most:
        return rows
    order = rows.astype(np.uint64) * _GOLDEN  # Weyl's sequence
    return np.sort(rows[np.argpartition(order, most)[:most]])


class _Words:
    """Words of one language, of all rows that any pair of languages needs."""

    def __init__(self, corpora: Sequence[TranslatedTexts], language: str, chosen: Chosen) -> None:
        needed = [rows for pair, rows in chosen.items() if language in pair]
        self._rows = [np.unique(np.concatenate(each)) for each in zip(*needed, strict=True)]
        self._begins = np.cumsum([0, *(len(rows) for rows in self._rows)])
        most = Mining.most_words
        self._numbered = Numbered.of(self._read(corpora, language), most)

    def take(self, rows: Sequence[Rows]) -> Numbered:
        """Returns the texts of these rows of each corpus."""
        parts = zip(self._rows, rows, self._begins[:-1], strict=True)
        return self._numbered.take(
            np.concatenate([begin + np.searchsorted(all_, some) for all_, some, begin in parts])
        )

    def _read(self, corpora: Sequence[TranslatedTexts], language: str) -> Iterator[list[str]]:
        for texts, rows in zip(corpora, self._rows, strict=True):
            for first in range(0, len(rows), BLOCK):
                for text in texts.read(language, rows[first : first + BLOCK]):
                    yield words(text or "", language)
