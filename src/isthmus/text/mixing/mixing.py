"""Mixed-language texts: some words of a text are replaced by their translations (S8)."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats, Integers
from isthmus.core.seeds import generator
from isthmus.text.languages import has_spaces
from isthmus.text.mixing.providers import Choice, Original, Provider

Bits = NDArray[np.uint64]

DRAWS = 3
"""Numbers that are drawn for each word: its turn, the language, the translation."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


class Mixed(NamedTuple):
    """A text in at least two languages."""

    text: str
    languages: tuple[str, ...]
    """That of the original first, then those of its new words, in the order of the alphabet."""

    replaced: int
    """Words of the original that are no longer there."""


def mix(original: Original, provider: Provider, ratio: float, numbers: Floats) -> Mixed | None:
    """Replace words of a text by translations.

    Words take their turn by chance, until enough of them are replaced. At least one is replaced and
    at least one stays, whatever the ratio. What is between words stays as it is.

    Args:
        original: The text.
        provider: Translates words.
        ratio: Share of the words that are replaced, if there are so many that can be.
        numbers: From 0 to 1, shape (words, 3): all that is left to chance.

    Returns:
        The mixed text; None if no word can be replaced, or no word would stay.
    """
    count = len(original.words)
    wanted = min(max(1, round(ratio * count)), count - 1)
    chosen, gone = dict[int, Choice](), set[int]()
    drawn: list[list[float]] = numbers.tolist()
    for place in sorted(range(count), key=lambda place: drawn[place][0]):
        if len(gone) >= wanted:
            break
        choice = _drawn(original.words[place], provider.choices(original, place), drawn[place])
        if choice is None:
            continue
        places = range(place, place + choice.words)
        if len(gone) + choice.words < count and gone.isdisjoint(places):
            chosen[place] = choice
            gone.update(places)
    if not chosen:
        return None
    others = {choice.into for choice in chosen.values()}
    return Mixed(_written(original, chosen), (original.language, *sorted(others)), len(gone))


class Mixer:
    """Makes the mixed-language texts of a job: they follow from seed, epoch and row alone."""

    def __init__(self, provider: Provider, seed: int) -> None:
        """Prepare.

        Args:
            provider: Translates words.
            seed: The job's seed.
        """
        self.provider = provider
        self._seed = seed

    def mix(
        self, originals: Sequence[Original], rows: Integers, corpus: str, epoch: int, ratio: float
    ) -> list[Mixed | None]:
        """Mix texts.

        Args:
            originals: Texts in one language.
            rows: Number of each in its corpus.
            corpus: Its name.
            epoch: How often the texts were mixed before: they come out differently each time.
            ratio: Share of the words that are replaced.

        Returns:
            For each text, the mixed one, or None if there is no word to replace.
        """
        found = list[Mixed | None]()
        counts = [len(original.words) for original in originals]
        language = originals[0].language if originals else ""
        key = generator(self._seed, "mixing", corpus, language, str(epoch)).integers(2**63)
        numbers = _even(rows, np.array(counts, np.int64), int(key))
        begin = 0
        for original, count in zip(originals, counts, strict=True):
            found.append(mix(original, self.provider, ratio, numbers[begin : begin + count]))
            begin += count
        return found


def _drawn(word: str, choices: Sequence[Choice], numbers: Sequence[float]) -> Choice | None:
    """Draws a language, then one of the translations, in proportion to their scores."""
    if not choices:
        return None
    # Names are often their own translation: that would be no other language.
    others = [each for each in choices if each.translation != word]
    languages = sorted({each.into for each in others})
    if not languages:
        return None
    into = languages[int(numbers[1] * len(languages))]
    among = [each for each in others if each.into == into]
    sums = list(accumulate(each.score for each in among))
    return among[bisect_right(sums, numbers[2] * sums[-1])]


def _written(original: Original, chosen: dict[int, Choice]) -> str:
    parts, end = list[str](), 0
    for place, choice in sorted(chosen.items()):
        begin = original.spans[place][0]
        last = original.spans[place + choice.words - 1][1]
        word = choice.translation
        if original.text[begin].isupper():
            word = word[0].upper() + word[1:]
        parts.append(original.text[end:begin])
        if has_spaces(choice.into) and not has_spaces(original.language):
            word = _spaced(original.text, begin, last, word)
        parts.append(word)
        end = last
    return "".join([*parts, original.text[end:]])


def _spaced(text: str, begin: int, end: int, word: str) -> str:
    """Put spaces around a word, where other words are right beside it."""
    before = " " if begin and text[begin - 1].isalnum() else ""
    after = " " if text[end : end + 1].isalnum() else ""
    return f"{before}{word}{after}"


def _even(rows: Integers, counts: Integers, key: int) -> Floats:
    """Draw for each word of each row, with the last steps of SplitMix64.

    Args:
        rows: Numbers of the rows.
        counts: Words of each.
        key: Other numbers for each key.

    Returns:
        Numbers from 0 to 1, shape (words of all rows, draws).
    """
    of_rows = _scattered(rows.astype(np.uint64) * _GOLDEN + np.uint64(key))
    begins: Integers = np.repeat(np.cumsum(counts) - counts, counts)
    places = np.arange(len(begins)) - begins
    steps: Bits = (places[:, None] * DRAWS + np.arange(1, DRAWS + 1)).astype(np.uint64)
    bits = _scattered(np.repeat(of_rows, counts)[:, None] + steps * _GOLDEN)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _scattered(bits: Bits) -> Bits:
    bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    return bits ^ (bits >> np.uint64(31))
