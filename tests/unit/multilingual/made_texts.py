"""Made-up languages whose words translate one to one, and texts in them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools


class Lines:
    """Rows of texts in memory, as the corpora of a job have them."""

    def __init__(self, texts: Mapping[str, Sequence[str | None]], name: str = "lines") -> None:
        self.name = name
        self.languages = tuple(texts)
        self.rows = len(next(iter(texts.values())))
        self._texts = texts

    def present(self, language: str) -> Bools:
        return np.array([bool(text) for text in self._texts[language]], np.bool_)

    def read(self, language: str, rows: NDArray[np.int64]) -> list[str | None]:
        return [self._texts[language][row] for row in rows]


DIGITS = {"xa": "abcdefghij", "xb": "klmnopqrst", "xc": "αβγδεζηθικ"}
"""Letters of each language: no two have one in common."""


def word(number: int, language: str) -> str:
    """The word for a number: its digits as letters of the language."""
    return "".join(DIGITS[language][int(digit)] for digit in f"{number:03}")


def meant(text: str) -> list[int]:
    """The numbers that the words of a text stand for, in any language."""
    letters = {
        letter: str(number) for each in DIGITS.values() for number, letter in enumerate(each)
    }
    return [int("".join(letters[letter] for letter in each)) for each in text.split()]


def said(numbers: Sequence[int], language: str) -> str:
    """A text with these words."""
    return " ".join(word(number, language) for number in numbers)


def sentences(rows: int, words: int = 40, seed: int = 0) -> list[list[int]]:
    """Sentences of 3 to 9 different words."""
    random = np.random.default_rng(seed)
    return [random.permutation(words)[: random.integers(3, 10)].tolist() for _ in range(rows)]


def parallel(languages: Sequence[str], rows: int = 300, seed: int = 0) -> dict[str, list[str]]:
    """The same sentences in each language, words in another order."""
    random = np.random.default_rng(seed + 1)
    numbers = sentences(rows, seed=seed)
    return {
        language: [said(random.permutation(each).tolist(), language) for each in numbers]
        for language in languages
    }
