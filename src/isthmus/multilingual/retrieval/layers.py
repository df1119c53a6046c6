"""Retrieval after each layer of an encoder: where do texts come to lie near translations?"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from isthmus.evaluation.description import Retrieved
from isthmus.evaluation.retrieval.measures import measured
from isthmus.evaluation.retrieval.scores import Vectors, dense_scores, kept, unit
from isthmus.text.dictionary.from_texts import TranslatedTexts, spread

EmbedByLayer = Callable[[Sequence[str]], Vectors]
"""Turns texts into vectors after each layer, shape (layers + 1, texts, size)."""

MOST = 1000
"""Texts of a pair of languages: vectors of all layers are in memory at once."""

Rows = Mapping[tuple[str, str], NDArray[np.int64]]
"""Rows that have texts in both of two languages."""


def by_layer(
    texts: TranslatedTexts, embed: EmbedByLayer, rows: Rows
) -> dict[tuple[str, str], list[Retrieved]]:
    """Measure how texts find their translations by their vectors after each layer.

    Args:
        texts: Texts that nothing was trained on.
        embed: The encoder.
        rows: The rows to measure on, by pair of languages; at most `MOST` of them are taken.

    Returns:
        The figures of each pair, with CSLS: first before any layer, last those of the encoder.
    """
    some = {pair: spread(common, MOST) for pair, common in rows.items()}
    needed = {
        language: np.unique(np.concatenate([some[pair] for pair in some if language in pair]))
        for language in sorted({language for pair in some for language in pair})
    }
    vectors = {
        language: embed([text or "" for text in texts.read(language, every)])
        for language, every in needed.items()
    }

    def of(language: str, common: NDArray[np.int64]) -> Vectors:
        return vectors[language][:, np.searchsorted(needed[language], common)]

    return {
        (left, right): [
            measured(kept(dense_scores(unit(ours), unit(theirs))))
            for ours, theirs in zip(of(left, common), of(right, common), strict=True)
        ]
        for (left, right), common in some.items()
    }
