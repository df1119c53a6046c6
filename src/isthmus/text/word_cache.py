"""The pieces of words that were seen before.

A text holds few words that no text before it held. Where the pieces of a text are those of its
words, looking words up takes a tenth of the time of making pieces of the text.
"""

from array import array
from collections.abc import Callable, Sequence
from itertools import chain
from threading import Lock

import numpy as np

from isthmus.text.tokens import Tokens

_MOST = 2**20  # words, and pieces of them: some 100 MB


class WordCache:
    """Makes pieces of words, and keeps them."""

    def __init__(self, encode: Callable[[list[str]], Sequence[Sequence[int]]]) -> None:
        self._encode = encode
        self._lock = Lock()
        self._clear()

    def tokens(self, texts: Sequence[str]) -> Tokens:
        """Returns the pieces of texts, which are those of the words between their spaces."""
        split = [text.split(" ") for text in texts]
        words = list(chain.from_iterable(split))
        with self._lock:
            if max(len(self._numbers), len(self._ids)) > _MOST:
                self._clear()
            self._learn([word for word in dict.fromkeys(words) if word not in self._numbers])
            numbers = np.fromiter(map(self._numbers.__getitem__, words), np.int64, len(words))
            known = Tokens(
                np.frombuffer(self._ids, np.int32), np.frombuffer(self._starts, np.int64)
            )
            pieces = known.take(numbers)
            del known  # or the arrays below it could not grow
        ends = np.cumsum([0, *map(len, split)])
        return Tokens(pieces.ids, pieces.starts[ends])

    def _learn(self, words: list[str]) -> None:
        for word, ids in zip(words, self._encode(words), strict=True):
            self._numbers[word] = len(self._numbers)
            self._ids.extend(ids)
            self._starts.append(len(self._ids))

    def _clear(self) -> None:
        self._numbers: dict[str, int] = {}
        self._ids = array("i")
        self._starts = array("q", [0])
