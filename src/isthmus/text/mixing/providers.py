"""Providers of translations of the words of a text, for mixed-language texts."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, Protocol

from isthmus.text.dictionary.dictionary import Dictionary, Table
from isthmus.text.languages import spans, words

SURE = 0.05
"""Least score of a translation from the dictionary: of those below it most are wrong."""

LONGEST = 4
"""Words of a phrase that a user's table may translate."""


class Original:
    """A text, and its translations if it has any."""

    def __init__(
        self, text: str, language: str, translations: Mapping[str, str] | None = None
    ) -> None:
        """Take in a text.

        Args:
            text: The text, normalised.
            language: Its language.
            translations: The same in other languages, for the provider `pair`.
        """
        self.text = text
        self.language = language
        self.translations = translations or {}

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where each word begins and ends."""
        return spans(self.text, self.language)

    @cached_property
    def words(self) -> list[str]:
        """Its words, in lower case."""
        return [self.text[begin:end].lower() for begin, end in self.spans]

    @cached_property
    def translated_words(self) -> Mapping[str, frozenset[str]]:
        """Words of its translations."""
        return {
            language: frozenset(words(text, language))
            for language, text in self.translations.items()
        }

    def phrase(self, first: int, count: int) -> str:
        """Returns some words and what is between them, in lower case."""
        return self.text[self.spans[first][0] : self.spans[first + count - 1][1]].lower()


class Choice(NamedTuple):
    """Something that can stand in place of words of a text."""

    into: str
    """Its language."""

    translation: str
    score: float
    words: int = 1
    """How many words it stands for."""


class Provider(Protocol):
    """What translates words. Pseudo pieces of a model are one too (`model`)."""

    def choices(self, text: Original, place: int) -> Sequence[Choice]:
        """Returns what can stand in place of the words that begin with the one at `place`."""
        ...


class DictionaryProvider:
    """Translations from the dictionary mined from the corpora."""

    def __init__(self, dictionary: Dictionary, into: Sequence[str], least: float = SURE) -> None:
        """Prepare.

        Args:
            dictionary: Translates words.
            into: Languages that texts are mixed with.
            least: Least score of a translation.
        """
        self._dictionary = dictionary
        self._into = into
        self._least = least
        self._known = dict[tuple[str, str], Sequence[Choice]]()

    def choices(self, text: Original, place: int) -> Sequence[Choice]:
        """Returns translations of one word."""
        word = text.language, text.words[place]
        known = self._known.get(word)
        if known is None:
            known = tuple(self._find(*word))
            if known:  # words that have none are without number
                self._known[word] = known
        return known

    def _find(self, language: str, word: str) -> Iterator[Choice]:
        for into in self._into:
            for each in self._dictionary.translations(language, into, word):
                if each.score < self._least:
                    break
                yield Choice(into, each.word, each.score)


class PairProvider:
    """The word that is aligned to a word, in a translation of the text itself."""

    def __init__(self, dictionary: Dictionary) -> None:
        """Prepare.

        Args:
            dictionary: Tells which of the words there is the translation. A score that says little
                about a word elsewhere says enough where few words are there to choose from.
        """
        self._dictionary = dictionary

    def choices(self, text: Original, place: int) -> Sequence[Choice]:
        """Returns the best translation of one word in each translation of the text."""
        found = list[Choice]()
        for into, there in text.translated_words.items():
            known = self._dictionary.translations(text.language, into, text.words[place])
            best = next((each for each in known if each.word in there), None)
            if best is not None:
                found.append(Choice(into, *best))
        return found


class TableProvider:
    """Translations of words and short phrases from the user's own table."""

    def __init__(self, dictionary: Dictionary) -> None:
        """Prepare.

        Args:
            dictionary: The table, as `load_table` reads it.
        """
        self._tables = dict[str, list[tuple[str, Table]]]()
        self._longest = dict[str, int]()
        for (language, into), table in dictionary.tables.items():
            self._tables.setdefault(language, []).append((into, table))
            longest = max(len(spans(phrase, language)) for phrase in table)
            self._longest[language] = max(self._longest.get(language, 1), min(longest, LONGEST))

    def choices(self, text: Original, place: int) -> Sequence[Choice]:
        """Returns translations of the longest phrase that begins at a word."""
        rest = len(text.words) - place
        for count in range(min(self._longest.get(text.language, 0), rest), 0, -1):
            phrase = text.phrase(place, count)
            found = [
                Choice(into, each.word, each.score, count)
                for into, table in self._tables[text.language]
                for each in table.get(phrase, ())
            ]
            if found:
                return found
        return ()


class FirstProvider:
    """Asks providers in turn, until one has an answer."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        """Prepare.

        Args:
            providers: In the order in which they are asked.
        """
        self._providers = providers

    def choices(self, text: Original, place: int) -> Sequence[Choice]:
        """Returns what the first provider that knows the word says."""
        for provider in self._providers:
            if found := provider.choices(text, place):
                return found
        return ()
