"""Counts of the texts of a corpus, and the corpora that these refuse."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.files import form_of
from isthmus.multilingual.corpora.hashes import Hashes
from isthmus.multilingual.corpora.sources import Source

_MOST_EQUAL = 0.5
"""Share of texts that may be the same in two languages, as names and numbers are."""

_FEWEST_COMPARED = 10
"""Rows that say something about a share."""

_HEAD = 2048  # texts that are compared with those of other corpora


class Tally:
    """Counts the texts of one corpus by language."""

    def __init__(self, source: Source) -> None:
        languages = source.languages
        self.source = source
        self._pairs = list(combinations(range(len(languages)), 2))
        self._texts = np.zeros(len(languages), np.int64)
        self._both = np.zeros(len(self._pairs), np.int64)
        self._equal = np.zeros(len(self._pairs), np.int64)
        self._head = np.empty((0, len(languages)), np.uint64)
        self.read = 0

    def add(self, rows: int, texts: Hashes) -> None:
        """Count rows.

        Args:
            rows: How many were read.
            texts: Hashes of the texts of those that are not empty, shape (rows, languages).
        """
        self.read += rows
        self._texts += (texts != 0).sum(axis=0)
        for number, (left, right) in enumerate(self._pairs):
            both = (texts[:, left] != 0) & (texts[:, right] != 0)
            self._both[number] += both.sum()
            self._equal[number] += (both & (texts[:, left] == texts[:, right])).sum()
        if len(self._head) < _HEAD:
            self._head = np.concatenate([self._head, texts])[:_HEAD]

    @property
    def texts(self) -> dict[str, int]:
        """Number of texts by language."""
        return dict(zip(self.source.languages, self._texts.tolist(), strict=True))

    @property
    def equal(self) -> dict[str, float]:
        """Share of the rows whose texts in two languages are equal, by pair such as en-fr."""
        return {
            "-".join(self._names(number)): float(self._equal[number] / both)
            for number, both in enumerate(self._both)
            if both >= _FEWEST_COMPARED
        }

    @property
    def head(self) -> dict[str, Hashes]:
        """Hashes of the first texts by language, each once."""
        columns = zip(self.source.languages, self._head.T, strict=True)
        return {language: np.unique(column[column != 0]) for language, column in columns}

    def check_rows(self) -> None:
        """Refuse a corpus without rows.

        Raises:
            SpecError: It has none.
        """
        if self.read == 0:
            raise SpecError(
                f"{self._where}: there are no rows. Export it again{self._or_left_out}."
            )

    def check_texts(self) -> None:
        """Refuse a corpus without texts in one of its languages.

        Raises:
            SpecError: It is such a corpus.
        """
        for language, texts in self.texts.items():
            if texts == 0:
                several = len(self.source.languages) > 1
                raise SpecError(
                    f"{self._where}: none of its {self.read:,} rows has a text in {language!r}"
                    f"{' and one in another language' if several else ''}. {self._advice}"
                )

    def check_equal(self) -> None:
        """Refuse a corpus in which two languages have the same texts.

        Raises:
            SpecError: It is such a corpus.
        """
        for number, both in enumerate(self._both):
            share = self._equal[number] / both if both >= _FEWEST_COMPARED else 0
            if share > _MOST_EQUAL:
                left, right = self._names(number)
                raise SpecError(
                    f"{self._where}: {share:.0%} of {both:,} rows{self._of_key} have the "
                    f"same text in {left!r} and {right!r}, so one text seems to be given as two "
                    "languages. Give the translations, or leave one of the languages out."
                )

    @property
    def _advice(self) -> str:
        if all(form_of(path) == ".po" for path in self.source.files):
            return f"Messages marked as fuzzy do not count: translate them{self._or_left_out}."
        if not self.source.key:
            return "Give a file with texts and their translations."
        return f"Correct the `languages` or `columns`{self._of_key}."

    @property
    def _or_left_out(self) -> str:
        return f", or leave `{self.source.key}` out" if self.source.key else ""

    @property
    def _of_key(self) -> str:
        return f" of `{self.source.key}`" if self.source.key else ""

    @property
    def _where(self) -> str:
        return str(self.source.folder or self.source.files[0])

    def _names(self, pair: int) -> tuple[str, str]:
        left, right = self._pairs[pair]
        return self.source.languages[left], self.source.languages[right]


def refuse_same(corpora: Sequence[Tally]) -> None:
    """Refuse two corpora that begin with the same texts, given as two languages.

    Args:
        corpora: The tallies of all corpora.

    Raises:
        SpecError: There are two.
    """
    heads = [(each.source, *head) for each in corpora for head in each.head.items()]
    for (left, one, ours), (right, other, theirs) in combinations(heads, 2):
        compared = min(len(ours), len(theirs))
        if one == other or left is right or compared < _FEWEST_COMPARED:
            continue
        share = np.isin(ours, theirs).sum() / compared
        if share > _MOST_EQUAL:
            raise SpecError(
                f"`{left.key}` in {one!r} and `{right.key}` in {other!r} begin with the same "
                f"texts ({share:.0%} of the first {compared:,}), so one text seems to be given as "
                "two languages. Correct their `languages`, or leave one out."
            )
