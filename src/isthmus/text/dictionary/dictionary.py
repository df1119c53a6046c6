"""Translations of words, with a score each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

Direction = tuple[str, str]
"""Language of a word, and language of its translations."""


class Translation(NamedTuple):
    """A word in another language, and how sure the dictionary is of it."""

    word: str
    score: float
    """Over 0, at most 1."""


Table = Mapping[str, Sequence[Translation]]
"""Translations of each word, best first."""

MOST = 8
"""Translations of a word that are found through a third language."""

Row = tuple[str, str, str, str, float]
"""Language, word, language of the translation, translation, score."""


class Dictionary:
    """Translations of words by direction.

    Where no texts in two languages told what words mean, a third language that both have a table
    with leads from one to the other: the score is the product of both.
    """

    def __init__(self, tables: Mapping[Direction, Table]) -> None:
        self.tables = {direction: table for direction, table in tables.items() if table}
        self._through = dict[Direction, Table]()

    def __len__(self) -> int:
        return sum(len(each) for table in self.tables.values() for each in table.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dictionary) and self.tables == other.tables

    __hash__ = None  # type: ignore[assignment]

    def into(self, language: str) -> tuple[str, ...]:
        """Returns the languages that words of `language` have translations in, sorted."""
        return tuple(sorted(into for of, into in self.tables if of == language))

    def table(self, language: str, into: str) -> Table:
        """Returns the translations from one language into another, empty if there are none."""
        direction = (language, into)
        if direction in self.tables:
            return self.tables[direction]
        if direction not in self._through:
            self._through[direction] = self._by_third(language, into)
        return self._through[direction]

    def translations(self, language: str, into: str, word: str) -> Sequence[Translation]:
        """Returns the translations of a word as `words` writes it, best first."""
        return self.table(language, into).get(word, ())

    def aligned(
        self, language: str, words: Sequence[str], into: str, translation: Sequence[str]
    ) -> list[str | None]:
        """Find the translation of each word of a text in a given translation of that text.

        Args:
            language: Of the text.
            words: Of the text.
            into: Language of the translation.
            translation: Its words.

        Returns:
            For each word of the text, its best translation among those of the translation.
        """
        table, there = self.table(language, into), set(translation)
        return [
            next((each.word for each in table.get(word, ()) if each.word in there), None)
            for word in words
        ]

    def rows(self) -> Iterator[Row]:
        """Yields language, word, language of the translation, translation and score."""
        for (language, into), table in sorted(self.tables.items()):
            for word, translations in table.items():
                for translation, score in translations:
                    yield language, word, into, translation, score

    def _by_third(self, language: str, into: str) -> Table:
        thirds = [
            (self.tables[language, third], self.tables[third, into])
            for third in self.into(language)
            if (third, into) in self.tables
        ]
        found = dict[str, dict[str, float]]()
        for to_third, from_third in thirds:
            for word, translations in to_third.items():
                _add(found.setdefault(word, {}), translations, from_third)
        return {word: _best(scores) for word, scores in found.items() if scores}


def of_rows(rows: Iterator[Row]) -> Dictionary:
    """Returns the dictionary of rows; of translations that score alike, the first is best."""
    tables = dict[Direction, dict[str, dict[str, float]]]()
    for language, word, into, translation, score in rows:
        words = tables.setdefault((language, into), {}).setdefault(word, {})
        words[translation] = max(score, words.get(translation, 0.0))
    return Dictionary(
        {
            direction: {word: _best(scores, None) for word, scores in table.items()}
            for direction, table in tables.items()
        }
    )


def _add(scores: dict[str, float], to_third: Sequence[Translation], from_third: Table) -> None:
    for middle, first in to_third:
        for word, second in from_third.get(middle, ()):
            scores[word] = max(first * second, scores.get(word, 0.0))


def _best(scores: Mapping[str, float], most: int | None = MOST) -> tuple[Translation, ...]:
    best = sorted(scores.items(), key=lambda item: -item[1])[:most]
    return tuple(Translation(word, score) for word, score in best)
