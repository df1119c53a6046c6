"""Which texts are in the batch of a step: it follows from the job's seed and the step alone."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from isthmus.core import seeds
from isthmus.core.arrays import Integers
from isthmus.multilingual.corpora.texts import Texts
from isthmus.multilingual.processes.group import ALONE, ProcessGroup


class Part(NamedTuple):
    """Rows of one corpus."""

    corpus: str
    rows: Integers


class Drawn(NamedTuple):
    """The rows of a batch."""

    languages: tuple[str, ...]
    """Each row has a text in all of them."""

    parts: Sequence[Part]
    generator: np.random.Generator
    """For what else is drawn in this step."""


class Group(NamedTuple):
    """Rows that have texts in the same languages."""

    languages: tuple[str, ...]
    parts: Sequence[Part]

    @property
    def size(self) -> int:
        """Number of rows."""
        return sum(len(part.rows) for part in self.parts)


class Batches:
    """Batches of one group each: negatives of a text are in one language, as in use."""

    def __init__(
        self,
        groups: Sequence[Group],
        batch: int,
        balance: float,
        seed: int,
        purpose: str,
        processes: ProcessGroup = ALONE,
    ) -> None:
        """Prepare to draw.

        Args:
            groups: Rows by language, or by pair of languages; none is empty.
            batch: Most rows of a batch.
            balance: Exponent of the number of rows of a group in its odds.
            seed: The job's seed.
            purpose: Of the batches: those of another purpose are independent.
            processes: Those that share the work of a batch; all of them draw the same one.
        """
        self.groups = groups
        self.processes = processes
        self._batch = batch
        self._seed = seed
        self._purpose = purpose
        weights = np.array([group.size for group in groups], np.float64) ** balance
        self._odds = weights / weights.sum()

    def draw(self, step: int) -> Drawn:
        """Returns the batch of a step; rows of a batch are different ones."""
        generator = seeds.generator(self._seed, self._purpose, str(step))
        group = self.groups[int(generator.choice(len(self.groups), p=self._odds))]
        count = min(self._batch, group.size)
        numbers = np.sort(generator.choice(group.size, count, replace=False))
        parts, begin = list[Part](), 0
        for corpus, rows in group.parts:
            first, last = np.searchsorted(numbers, (begin, begin + len(rows)))
            if first < last:
                parts.append(Part(corpus, rows[numbers[first:last] - begin]))
            begin += len(rows)
        return Drawn(group.languages, parts, generator)


def by_pair(corpora: Mapping[str, Texts]) -> list[Group]:
    """Returns the rows of each pair of languages that a corpus has texts in."""
    found = dict[tuple[str, ...], list[Part]]()
    for name, texts in corpora.items():
        present = {language: texts.present(language) for language in texts.languages}
        for pair in combinations(sorted(present), 2):
            rows = np.flatnonzero(present[pair[0]] & present[pair[1]])
            if len(rows):
                found.setdefault(pair, []).append(Part(name, rows))
    return [Group(pair, parts) for pair, parts in sorted(found.items())]


def by_language(corpora: Mapping[str, Texts]) -> list[Group]:
    """Returns the rows of each language."""
    found = dict[tuple[str, ...], list[Part]]()
    for name, texts in corpora.items():
        for language in texts.languages:
            rows = np.flatnonzero(texts.present(language))
            if len(rows):
                found.setdefault((language,), []).append(Part(name, rows))
    return [Group(language, parts) for language, parts in sorted(found.items())]
