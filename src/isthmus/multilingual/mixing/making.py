"""Providers of a job's `[multilingual.mixing]` in order, and mixed texts to look at."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError
from isthmus.multilingual.spec import Mixing
from isthmus.text.dictionary.dictionary import Dictionary
from isthmus.text.dictionary.from_texts import TranslatedTexts, spread
from isthmus.text.mixing.mixing import Mixed, Mixer
from isthmus.text.mixing.providers import (
    DictionaryProvider,
    FirstProvider,
    Original,
    PairProvider,
    Provider,
    TableProvider,
)


class Sources(NamedTuple):
    """What translations may come from."""

    dictionary: Dictionary
    languages: Sequence[str]
    """Languages of the job, to translate into."""

    table: Dictionary | None = None
    """The user's own, as `load_table` reads it."""

    model: Provider | None = None
    """Pseudo pieces of the encoder in training."""


def provider_of(mixing: Mixing, sources: Sources) -> Provider:
    """Make the providers of a job, in its order.

    Args:
        mixing: The `mixing` table.
        sources: What translations may come from.

    Returns:
        Asks each in turn.

    Raises:
        SpecError: One of them has nothing to translate with.
    """
    providers: Mapping[str, Provider | None] = {
        "dictionary": DictionaryProvider(sources.dictionary, sources.languages),
        "pair": PairProvider(sources.dictionary),
        "table": None if sources.table is None else TableProvider(sources.table),
        "model": sources.model,
    }
    found = list[Provider]()
    for name in mixing.providers:
        provider = providers[name]
        if provider is None:
            raise SpecError(_MISSING[name])
        found.append(provider)
    return FirstProvider(found)


_MISSING = {
    "table": "the provider `table` needs a file: name it in `multilingual.mixing.table`.",
    "model": "the provider `model` needs an encoder with layers that learns masked pieces: set "
    "`multilingual.encoder.type` and `multilingual.objectives.btmlm`, or leave it out.",
}


def ratio_at(mixing: Mixing, done: float) -> float:
    """Returns the share of the words to replace, when a share of the training is done."""
    return mixing.first_ratio + (mixing.ratio - mixing.first_ratio) * done


class Shown(NamedTuple):
    """A text, and the mixed one that is made of it."""

    original: str
    language: str
    mixed: Mixed


def originals(texts: TranslatedTexts, language: str, rows: Integers) -> list[Original]:
    """Returns texts of some rows, all with a text in this language, with their translations."""
    columns = {each: texts.read(each, rows) for each in texts.languages}
    return [
        Original(
            columns[language][row] or "",
            language,
            {each: text for each, of in columns.items() if each != language and (text := of[row])},
        )
        for row in range(len(rows))
    ]


def shown(
    corpora: Mapping[str, TranslatedTexts], mixer: Mixer, mixing: Mixing, count: int
) -> list[Shown]:
    """Mix texts as at the end of training, some of each corpus and language.

    Args:
        corpora: By name.
        mixer: Mixes them.
        mixing: The `mixing` table.
        count: How many at most.

    Returns:
        The first texts that can be mixed, corpora and languages in turn.
    """
    parts = [
        (name, texts, language) for name, texts in corpora.items() for language in texts.languages
    ]
    found = [
        list(_of_one(name, texts, language, mixer, ratio_at(mixing, 1.0), count))
        for name, texts, language in parts
    ]
    turns = [part[turn] for turn in range(count) for part in found if turn < len(part)]
    return turns[:count]


def _of_one(
    name: str, texts: TranslatedTexts, language: str, mixer: Mixer, ratio: float, count: int
) -> list[Shown]:
    rows = spread(np.flatnonzero(texts.present(language)), _LOOKED_AT * count)
    some = originals(texts, language, rows)
    mixed = mixer.mix(some, rows, name, 0, ratio)
    return [
        Shown(original.text, language, each)
        for original, each in zip(some, mixed, strict=True)
        if each is not None
    ]


_LOOKED_AT = 3
"""Texts that are looked at for one that is shown: some have no word to replace."""
