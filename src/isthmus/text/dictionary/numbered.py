"""Texts as numbers of their words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Numbered:
    """Texts in one language, one after another."""

    vocabulary: list[str]
    """Words, in the order in which they were first seen."""

    words: Numbers
    """Words of all texts, as numbers of the vocabulary."""

    starts: Rows
    """Where each text begins, and where the last one ends."""

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]], most_words: int) -> Self:
        """Returns texts that are given as words; of each, the first `most_words`."""
        numbers = dict[str, int]()
        words, lengths = list[int](), [0]
        for text in texts:
            read = text[:most_words]
            words += [numbers.setdefault(word, len(numbers)) for word in read]
            lengths.append(len(read))
        return cls(list(numbers), np.array(words, np.int32), np.cumsum(lengths))

    @property
    def lengths(self) -> Rows:
        """How many words each text has."""
        return np.diff(self.starts)

    def take(self, rows: Rows) -> "Numbered":
        """Returns some of the texts, with the same vocabulary."""
        lengths = self.lengths[rows]
        starts: Rows = np.concatenate([[0], np.cumsum(lengths)])
        shifts: Rows = np.repeat(self.starts[rows] - starts[:-1], lengths)
        places = shifts + np.arange(len(shifts))
        return Numbered(self.vocabulary, self.words[places], starts)

    def frequent(self, least: int) -> "Numbered":
        """Returns the texts without words that occur less than `least` times."""
        kept = np.bincount(self.words, minlength=len(self.vocabulary)) >= least
        number = np.cumsum(kept, dtype=np.int32) - 1
        is_kept = kept[self.words]
        before = np.concatenate([[0], np.cumsum(is_kept)])
        vocabulary = [word for word, stays in zip(self.vocabulary, kept, strict=True) if stays]
        return Numbered(
            vocabulary, number[self.words[is_kept]].astype(np.int32), before[self.starts]
        )
