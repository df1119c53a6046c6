"""Texts beside themselves in another language, word by word, for children of one language each.

Source:
    US20220019743A1 (S8), training on mixed-language texts with their originals: docs/systems/s8.md.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.spec import Switching
from isthmus.text.dictionary.files import load_table
from isthmus.text.languages import normalised
from isthmus.text.mixing.providers import DictionaryProvider, Original
from isthmus.text.mixing.translated import translated
from isthmus.text.tokens import Tokens


class Vocabulary(Protocol):
    """Divides texts into pieces, as `isthmus.text.tokenizer.Tokenizer` does."""

    def tokens(self, texts: Sequence[str], length: int | None = None, /) -> Tokens:
        """Returns the pieces of texts, at most so many of each."""
        ...


class Switcher:
    """The texts of a child, and the same with words in other languages, drawn for each batch."""

    def __init__(
        self, samples: Samples, spec: Switching, vocabulary: Vocabulary, length: int
    ) -> None:
        """Take in texts.

        Args:
            samples: A column for each language.
            spec: It names the public list of words.
            vocabulary: Of the network.
            length: Pieces that are read of a text.

        Raises:
            SpecError: The list is missing, a line of it does not fit, or it has no word in a
                language of the samples.
        """
        words = load_table(Path(spec.table))
        columns = zip(samples.names, (samples.texts, *samples.translations), strict=True)
        self._texts = [
            [Original(normalised(text), language) for text in texts] for language, texts in columns
        ]
        self._tokens = [
            vocabulary.tokens([it.text for it in column], length) for column in self._texts
        ]
        others = {language for _, language in words.tables}
        for language in samples.names:
            if not words.into(language):
                raise SpecError(
                    f"{spec.table}: has no word in {language!r}, which a column of your samples is "
                    "named after. Name columns after languages of the list, or add words to it."
                )
        self._providers = [
            DictionaryProvider(words, sorted(others - {language}), least=0)
            for language in samples.names
        ]
        self._vocabulary, self._length, self._kept = vocabulary, length, spec.kept

    def __len__(self) -> int:
        return len(self._texts[0])

    def drawn(self, rows: Integers, generator: np.random.Generator) -> tuple[Tokens, Tokens]:
        """Draw texts in other languages for a batch.

        Args:
            rows: Of the batch.
            generator: Draws one of the columns, and the words.

        Returns:
            Pieces of the texts that have a known word, and of their translations word by word.
        """
        column = int(generator.integers(len(self._texts)))
        texts, provider = self._texts[column], self._providers[column]
        places: list[int] = rows.tolist()
        pairs = [
            (place, other)
            for place in places
            if (other := translated(texts[place], provider, self._kept, generator)) is not None
        ]
        found = np.array([place for place, _ in pairs], np.int64)
        others = self._vocabulary.tokens([other for _, other in pairs], self._length)
        return self._tokens[column].take(found), others
