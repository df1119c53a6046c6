"""The rival of a shared encoder of texts: a dictionary of words, and TF-IDF."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean

import numpy as np

from isthmus.core.arrays import Bools, Integers
from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples
from isthmus.evaluation.retrieval.measures import measured
from isthmus.evaluation.retrieval.scores import Scores, Vectors, dense_scores, kept
from isthmus.text.dictionary.dictionary import Dictionary
from isthmus.text.dictionary.from_texts import mined
from isthmus.text.languages import normalised
from isthmus.text.retrieval.lexical import WordedTexts, fused_scores, lexical_scores


class SampledTexts:
    """The texts of a child, with a language for each column, as dictionaries are mined from."""

    def __init__(self, samples: Samples) -> None:
        self.languages = samples.names
        self.rows = len(samples)
        columns = (samples.texts, *samples.translations)
        self._columns = dict(zip(samples.names, columns, strict=True))

    def present(self, language: str) -> Bools:
        """Returns which rows have a text in this language."""
        return np.array([bool(text.strip()) for text in self._columns[language]], np.bool_)

    def read(self, language: str, rows: Integers) -> list[str | None]:
        """Returns the texts of these rows."""
        texts = self._columns[language]
        places: list[int] = rows.tolist()
        return [normalised(texts[place]) for place in places]


def dictionary_of(parts: Mapping[str, Samples]) -> Dictionary:
    """Mine the texts of all children, pooled, for what translates what.

    Args:
        parts: The texts of each child, by name.

    Returns:
        Translations of words, also between languages that no child has together.
    """
    return mined({child: SampledTexts(each) for child, each in parts.items()}, Telemetry())


def dictionary_retrieval(
    dictionary: Dictionary, texts: Samples, vectors: Sequence[Vectors] = ()
) -> float:
    """How well texts find their translations by words and characters that a dictionary translates.

    Args:
        dictionary: Translates words.
        texts: In several languages.
        vectors: Of the texts in each language, whose scores are added, if there are any.

    Returns:
        The mean over all pairs of languages and both ways, in percent, by CSLS.
    """
    columns = zip(texts.names, (texts.texts, *texts.translations), strict=True)
    worded = [WordedTexts([normalised(it) for it in each], name) for name, each in columns]
    return fmean(
        measured(kept(_scores(worded, vectors, pair, dictionary))).top1
        for pair in combinations(range(len(worded)), 2)
    )


def _scores(
    worded: Sequence[WordedTexts],
    vectors: Sequence[Vectors],
    pair: tuple[int, int],
    dictionary: Dictionary,
) -> Scores:
    left, right = pair
    found = lexical_scores(worded[left], worded[right], dictionary)
    if not vectors:
        return found
    return fused_scores(dense_scores(vectors[left], vectors[right]), found)
