"""Dictionaries mined from texts and their translations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.text.dictionary.cooccurrence import cooccurrence, counted
from isthmus.text.dictionary.dictionary import Dictionary, Table, Translation
from isthmus.text.dictionary.ibm1 import ROUNDS, probabilities
from isthmus.text.dictionary.numbered import Numbered, Rows


@dataclass(frozen=True)
class Mining:
    """Which pairs of words a dictionary keeps, and how much text they are learned from."""

    least_count: int = 3
    """How often both words occur at least."""

    least_score: float = 0.003
    """Probability of the one word given the other, times that of the other given the one.

    Retrieval gains from forms of a word that each have little of its probability: on Tatoeba 52%
    find their translation with 0.05, 66% with 0.01, 68% with 0.003. Whoever takes one translation
    of a word for granted should ask for more.
    """

    rounds: int = ROUNDS

    most_words: int = 128
    """Words of a text that are read: the work grows with their square."""

    most_cells: int = 16_000_000
    """Words of texts times words of their translations; a cell takes some 30 bytes of memory."""


USUAL = Mining()


def mine(
    left: Sequence[Sequence[str]],
    right: Sequence[Sequence[str]],
    languages: tuple[str, str],
    mining: Mining = USUAL,
) -> Dictionary:
    """Mine texts and their translations for what translates what.

    Args:
        left: Words of each text.
        right: Words of its translation.
        languages: Of the texts and of the translations.
        mining: What is kept.

    Returns:
        A dictionary in both directions.
    """
    numbered = [Numbered.of(texts, mining.most_words) for texts in (left, right)]
    forth, back = tables_of(numbered[0], numbered[1], mining)
    return Dictionary({languages: forth, (languages[1], languages[0]): back})


def tables_of(left: Numbered, right: Numbered, mining: Mining) -> tuple[Table, Table]:
    """Returns what translates what in texts and their translations, in both directions."""
    rows = _affordable(left.lengths * right.lengths, mining.most_cells)
    ours = left.take(rows).frequent(mining.least_count)
    theirs = right.take(rows).frequent(mining.least_count)
    cells = cooccurrence(counted(ours), counted(theirs))
    forth = probabilities(cells, cells.left, cells.right, mining.rounds)
    score = forth * probabilities(cells, cells.right, cells.left, mining.rounds)
    high = np.flatnonzero(score > mining.least_score)
    kept: Rows = high[np.argsort(-score[high], kind="stable")]
    sources: list[str] = [ours.vocabulary[word] for word in cells.left.of_pair[kept].tolist()]
    targets: list[str] = [theirs.vocabulary[word] for word in cells.right.of_pair[kept].tolist()]
    scores = [round(each, 4) for each in score[kept].tolist()]
    return _table(sources, targets, scores), _table(targets, sources, scores)


def _affordable(cells: Rows, most: int) -> Rows:
    """Returns rows evenly spread over all, as many as there may be cells of."""
    rows = len(cells)
    if (wanted := int(cells.sum())) > most:
        rows = max(1, int(rows * most / wanted))
    return np.linspace(0, len(cells), rows, endpoint=False).astype(np.int64)


def _table(sources: Sequence[str], targets: Sequence[str], scores: Sequence[float]) -> Table:
    """Returns translations by word, in the order in which they are given."""
    table = dict[str, list[Translation]]()
    for source, target, score in zip(sources, targets, scores, strict=True):
        table.setdefault(source, []).append(Translation(target, score))
    return {word: tuple(translations) for word, translations in table.items()}
