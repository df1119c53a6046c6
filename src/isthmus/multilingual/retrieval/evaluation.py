"""Retrieval between all languages of some texts, by an encoder and by what it has to beat."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from isthmus.evaluation.description import LanguagePair, Retrieved
from isthmus.evaluation.retrieval.measures import measured
from isthmus.evaluation.retrieval.scores import (
    DenseScores,
    Vectors,
    centred,
    dense_scores,
    kept,
    unit,
)
from isthmus.multilingual.retrieval.layers import EmbedByLayer, by_layer
from isthmus.text.dictionary.dictionary import Dictionary
from isthmus.text.dictionary.from_texts import TranslatedTexts, spread
from isthmus.text.retrieval.lexical import (
    WordedTexts,
    character_scores,
    fused_scores,
    lexical_scores,
)

Embed = Callable[[Sequence[str]], Vectors]
"""Turns texts into vectors, shape (texts, size)."""

METHODS = ("encoder", "fused", "before", "untrained", "char_tfidf", "dictionary_tfidf")
"""What is compared with the same neighbourhoods taken off (CSLS)."""

PLAIN = ("encoder_cosine", "encoder_centred")
"""The encoder without that: its vectors as they are, and less their mean in each language."""

FEWEST = 2
"""Texts: one alone is always found."""


class Compared:
    """What retrieval is measured by."""

    def __init__(
        self,
        encoder: Embed,
        untrained: Embed | None = None,
        before: Embed | None = None,
        dictionary: Dictionary | None = None,
        layers: EmbedByLayer | None = None,
    ) -> None:
        """Name the rivals.

        Args:
            encoder: The encoder that was trained.
            untrained: The same with parameters as they were drawn.
            before: The encoder that it goes on from, if it does.
            dictionary: Mined from the corpora that it was trained on. None: there is no `fused`
                and no `dictionary_tfidf`.
            layers: The encoder, if it has layers.
        """
        self.encoder = encoder
        self.untrained = untrained
        self.before = before
        self.dictionary = dictionary
        self.layers = layers


def evaluate(
    texts: TranslatedTexts,
    compared: Compared,
    *,
    data: str,
    in_domain: bool,
    trained: Collection[tuple[str, str]],
    most: int = 1000,
) -> list[LanguagePair]:
    """Measure how texts find their translations, for each pair of languages.

    Args:
        texts: Texts that nothing was trained on.
        compared: The encoder and its rivals.
        data: Name of the texts.
        in_domain: Whether they are held out of a corpus that was trained on.
        trained: Pairs of languages, in the order of the alphabet, that a corpus to train on has
            texts in; all others are zero-shot.
        most: Texts of a pair of languages, evenly spread over all rows.

    Returns:
        The figures; pairs of languages with less than two texts in common are left out.
    """
    rows = dict(_rows(texts, most))
    sides = {
        language: _Side(texts, language, np.unique(np.concatenate(needed)), compared)
        for language in texts.languages
        if (needed := [rows[pair] for pair in rows if language in pair])
    }
    layers = by_layer(texts, compared.layers, rows) if compared.layers else {}
    found = list[LanguagePair]()
    for (left, right), common in rows.items():
        ours, theirs = sides[left].take(common), sides[right].take(common)
        found.append(
            LanguagePair(
                data=data,
                left=left,
                right=right,
                rows=len(common),
                in_domain=in_domain,
                trained=(left, right) in trained,
                methods=dict(_methods(ours, theirs, compared.dictionary)),
                layers=layers.get((left, right), []),
            )
        )
    return found


class _Texts:
    """Texts in one language, with all that they are compared by."""

    def __init__(
        self, worded: WordedTexts, encoded: Vectors, others: Mapping[str, Vectors]
    ) -> None:
        self.worded = worded
        self.encoded = encoded
        self.others = others


class _Side:
    """The texts in one language that any pair of languages needs; each is embedded once."""

    def __init__(
        self,
        texts: TranslatedTexts,
        language: str,
        rows: NDArray[np.int64],
        compared: Compared,
    ) -> None:
        self._rows = rows
        self._language = language
        self._texts = [text or "" for text in texts.read(language, rows)]
        self._encoded = unit(compared.encoder(self._texts))
        rivals = {"before": compared.before, "untrained": compared.untrained}
        self._others = {
            name: unit(embed(self._texts)) for name, embed in rivals.items() if embed is not None
        }

    def take(self, rows: NDArray[np.int64]) -> _Texts:
        """Returns the texts of some rows."""
        places = np.searchsorted(self._rows, rows)
        texts: list[str] = [self._texts[place] for place in places.tolist()]
        return _Texts(
            WordedTexts(texts, self._language),
            self._encoded[places],
            {name: vectors[places] for name, vectors in self._others.items()},
        )


def _rows(texts: TranslatedTexts, most: int) -> Iterator[tuple[tuple[str, str], NDArray[np.int64]]]:
    present = {language: texts.present(language) for language in texts.languages}
    for left, right in combinations(sorted(present), 2):
        common = np.flatnonzero(present[left] & present[right])
        if len(common) >= FEWEST:
            yield (left, right), spread(common, most)


def _methods(
    left: _Texts, right: _Texts, dictionary: Dictionary | None
) -> Iterator[tuple[str, Retrieved]]:
    dense = kept(dense_scores(left.encoded, right.encoded))
    yield "encoder", measured(dense)
    if dictionary is not None:
        lexical = kept(lexical_scores(left.worded, right.worded, dictionary))
        yield "fused", measured(kept(fused_scores(dense, lexical)))
        yield "dictionary_tfidf", measured(lexical)
    for name, vectors in left.others.items():
        yield name, measured(kept(dense_scores(vectors, right.others[name])))
    yield "char_tfidf", measured(kept(character_scores(left.worded, right.worded)))
    yield "encoder_cosine", measured(kept(DenseScores(left.encoded, right.encoded)))
    yield (
        "encoder_centred",
        measured(kept(DenseScores(centred(left.encoded), centred(right.encoded)))),
    )
