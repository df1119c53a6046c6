"""Scores of texts in two languages by their words and characters, with a dictionary's help."""

from collections.abc import Sequence
from functools import cached_property

from isthmus.evaluation.retrieval.scores import CslsScores, Scores, SumOfScores, kept
from isthmus.text.dictionary.dictionary import Dictionary, Table
from isthmus.text.languages import words
from isthmus.text.retrieval.bags import Bags, bags_of_runs, bags_of_words
from isthmus.text.retrieval.tfidf import tfidf

TRANSLATIONS = 5
"""Translations that stand in for a word: which of them the other text uses is not known."""

RUNS_WEIGHT = 2.0
"""Of characters beside words: they tell forms of a word, names, and what no dictionary has."""


class WordedTexts:
    """Texts in one language with their words, found once for all languages beside it."""

    def __init__(self, texts: Sequence[str], language: str) -> None:
        self.texts = texts
        self.language = language

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def words(self) -> list[list[str]]:
        """Words of each text."""
        return [words(text, self.language) for text in self.texts]

    @cached_property
    def runs(self) -> Bags:
        """Runs of characters of each text."""
        return bags_of_runs(self.texts)

    def translated(self, table: Table) -> list[list[str]]:
        """Returns the words of each text in another language; unknown ones stay."""
        return [_translated(each, table) for each in self.words]


def character_scores(left: WordedTexts, right: WordedTexts) -> Scores:
    """Returns how alike texts are by runs of characters, without a dictionary."""
    return CslsScores(kept(tfidf(left.runs, right.runs)))


def lexical_scores(left: WordedTexts, right: WordedTexts, dictionary: Dictionary) -> Scores:
    """Compare texts after translating each side into the language of the other.

    Args:
        left: Texts in one language.
        right: Texts in another.
        dictionary: Translates the words of both.

    Returns:
        Words and runs of characters, each with its own neighbourhoods taken off, in both
        directions.
    """
    forth = left.translated(dictionary.table(left.language, right.language))
    back = right.translated(dictionary.table(right.language, left.language))
    by_words = SumOfScores([_by_words(forth, right.words), _by_words(left.words, back)], (0.5, 0.5))
    by_runs = SumOfScores(
        [tfidf(_runs_of(forth), right.runs), tfidf(left.runs, _runs_of(back))], (0.5, 0.5)
    )
    parts = [CslsScores(kept(by_words)), CslsScores(kept(by_runs))]
    return SumOfScores(parts, (1.0, RUNS_WEIGHT))


def fused_scores(dense: Scores, lexical: Scores) -> Scores:
    """Returns the scores of vectors, both neighbourhoods taken off, with those of a dictionary."""
    return SumOfScores([dense, lexical], (1.0, 1.0))


def _by_words(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> Scores:
    numbers = dict[str, int]()
    return tfidf(bags_of_words(left, numbers), bags_of_words(right, numbers))


def _runs_of(texts: Sequence[Sequence[str]]) -> Bags:
    return bags_of_runs([" ".join(text) for text in texts])


def _translated(text: Sequence[str], table: Table) -> list[str]:
    found = list[str]()
    for word in text:
        if translations := table.get(word):
            found += [each.word for each in translations[:TRANSLATIONS]]
        else:
            found.append(word)
    return found
