"""Texts as numbers of pieces of a vocabulary, one text after another."""

from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools, Integers

_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class Tokens(NamedTuple):
    """The pieces of some texts; those of text i are `ids[starts[i] : starts[i + 1]]`."""

    ids: NDArray[np.int32]
    """Numbers of the pieces of all texts, shape (pieces,)."""

    starts: Integers
    """Where each text starts, and where the last one ends, shape (texts + 1,)."""

    @property
    def texts(self) -> int:
        """Returns the number of texts."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> Integers:
        """Returns the number of pieces of each text, shape (texts,)."""
        return np.diff(self.starts)

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Returns the texts of all parts, in order."""
        chosen = list(parts)
        ids = [np.zeros(0, np.int32), *(part.ids for part in chosen)]
        return cls(np.concatenate(ids), _starts([part.lengths for part in chosen]))

    def take(self, rows: Integers) -> Self:
        """Returns these texts, in this order."""
        begins = self.starts[:-1][rows]
        lengths = self.starts[1:][rows] - begins
        starts = _starts([lengths])
        shift = np.repeat(begins - starts[:-1], lengths)
        return type(self)(self.ids[np.arange(starts[-1]) + shift], starts)

    def cut(self, length: int) -> Self:
        """Returns the first pieces of each text, at most `length` of them."""
        if not self.texts or int(self.lengths.max()) <= length:
            return self
        places = np.arange(len(self.ids)) - np.repeat(self.starts[:-1], self.lengths)
        return type(self)(self.ids[places < length], _starts([np.minimum(self.lengths, length)]))

    def thinned(self, share: float, generator: np.random.Generator) -> Self:
        """Leave pieces out by chance, so that what is learned does not lean on single ones.

        Args:
            share: The odds of each piece to be left out, 0 to 1.
            generator: Draws them.

        Returns:
            The same texts; one that would lose all its pieces keeps them.
        """
        kept = generator.random(len(self.ids)) >= share
        starts = _kept_before(kept)[self.starts]
        empty = np.diff(starts) == 0
        if empty.any():
            kept |= np.repeat(empty, self.lengths)
            starts = _kept_before(kept)[self.starts]
        return type(self)(self.ids[kept], starts)

    def numbered(self) -> Integers:
        """Returns a number for each text; equal texts have equal numbers, others do not."""
        numbers = np.arange(self.texts)
        _, at, counts = np.unique(self._hashes(), return_inverse=True, return_counts=True)
        known = dict[bytes, int]()
        for text in np.flatnonzero(counts[at] > 1):  # equal, or different ones with the same hash
            content = self.ids[self.starts[text] : self.starts[text + 1]].tobytes()
            numbers[text] = known.setdefault(content, int(text))
        return numbers

    def _hashes(self) -> NDArray[np.uint64]:
        # A polynomial of the pieces, modulo 2^64: sums of it before each text are subtracted.
        longest = int(self.lengths.max(initial=0))
        powers = np.cumprod(np.full(longest, _FACTOR))
        places = np.arange(len(self.ids)) - np.repeat(self.starts[:-1], self.lengths)
        terms = (self.ids.astype(np.uint64) + np.uint64(1)) * powers[places]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms)])[self.starts]
        return np.diff(sums)


def _kept_before(kept: Bools) -> Integers:
    before = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(kept, out=before[1:])
    return before


def _starts(lengths: list[Integers]) -> Integers:
    starts: Integers = np.cumsum(np.concatenate([np.zeros(1, np.int64), *lengths]), dtype=np.int64)
    return starts
