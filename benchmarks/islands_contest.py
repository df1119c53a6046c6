"""Islands of texts, and the ways of training that they are compared with, in one process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from statistics import fmean

import numpy as np
from msgspec import structs

from benchmarks.bibles import BIBLE, ENGLISH, NTREX, TATOEBA, Bibles, Texts
from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders import head, translations
from isthmus.horizontal.encoders.child import trainer
from isthmus.horizontal.encoders.dictionaries import dictionary_of, dictionary_retrieval
from isthmus.horizontal.encoders.joint_vocabulary import rehearsed
from isthmus.horizontal.encoders.master import training
from isthmus.horizontal.encoders.spec import Encoders, Joint, Static, Switching
from isthmus.horizontal.fusion.spec import Count, TouchMean
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.privacy.spec import EightBit, Privacy
from isthmus.horizontal.rounds.in_process import federate
from isthmus.horizontal.spec import LocalTraining, Rounds
from isthmus.text import static
from isthmus.text.dictionary.dictionary import Dictionary
from isthmus.text.dictionary.files import load_table
from isthmus.text.dictionary.mining import Mining, mine
from isthmus.text.languages import normalised, words
from isthmus.text.mixing.providers import SURE
from isthmus.text.tokenizer import Tokenizer

SHARED, EIGHT_BIT, FEDAVG, POOLED, ALONE, POOLED_WORDS, DICTIONARY = (
    "touch_mean, joint vocabulary",
    "touch_mean in 8 bits, joint vocabulary",
    "FedAvg (count), joint vocabulary",
    "texts pooled, joint vocabulary",
    "one island alone",
    "touch_mean, vocabulary of pooled texts",
    "dictionary of pooled pairs, TF-IDF",
)
MODELS = (SHARED, EIGHT_BIT, FEDAVG, POOLED, ALONE, POOLED_WORDS)
LISTED, WITH_LIST, LIST = (
    "touch_mean, one language per island",
    "the same with the list of words",
    "list of words, TF-IDF",
)

Figures = dict[str, float]
"""Mean top-1 in percent by CSLS, both ways, by set."""

PUBLIC = 3000
"""Verses that the public list of words is mined from; no island has them."""


@dataclass(frozen=True)
class Settings:
    """How islands train: the settings were chosen on other chapters."""

    rounds: int = 10
    steps: int = 20
    batch: int = 512
    pieces: int = 8192
    size: int = 256

    def job(self) -> Encoders:
        """The job of islands of pairs."""
        return Encoders(
            network=Static(size=self.size, vocabulary="joint", joint=Joint(pieces=self.pieces)),
            objective="pairs",
            temperature=0.05,
            training=LocalTraining(steps=self.steps, batch=self.batch, optimiser="adam", rate=0.02),
            fusion=TouchMean(),
            rounds=Rounds(count=self.rounds),
        )


class Contest:
    """Texts of three islands, or of one per language, and how well translations are found."""

    def __init__(self, texts: Bibles, settings: Settings) -> None:
        self._texts = texts
        self.settings = settings
        self._spec = settings.job()
        others = sorted(set(texts.verses) - {ENGLISH})
        verses = len(texts.verses[ENGLISH])
        self.own = {
            f"en-{language}": _samples(
                texts.verses, (ENGLISH, language), range(number, verses, len(others))
            )
            for number, language in enumerate(others)
        }
        self.tests = dict(_tests(texts, others))

    def figures(self, model: str, seed: int) -> Figures:
        """Train, and measure.

        Args:
            model: One of `MODELS`.
            seed: Of the job.

        Returns:
            The figures on each set.
        """
        spec, own = self._spec, self.own
        network = spec.network
        assert isinstance(network, Static)
        parts = list(own.values())
        if model == POOLED_WORDS:
            columns = (column for it in parts for column in (it.texts, *it.translations))
            vocabulary = Tokenizer.train(
                (normalised(text) for column in columns for text in column), self.settings.pieces
            )
        else:
            vocabulary, _ = rehearsed(network, parts, seed)
        if model == ALONE:
            each = [
                self._measured(
                    head.alone(spec, it, seed, name, spec.rounds.count, vocabulary), vocabulary
                )
                for name, it in own.items()
            ]
            return {name: fmean(it[name] for it in each) for name in self.tests}
        if model == POOLED:
            return self._measured(translations.pooled(spec, parts, seed, vocabulary), vocabulary)
        if model == FEDAVG:
            spec = structs.replace(spec, fusion=Count())
        if model == EIGHT_BIT:
            spec = structs.replace(spec, privacy=Privacy(compression=EightBit()))
        return self._measured(_federated(spec, own, seed, vocabulary), vocabulary)

    def by_dictionary(self) -> Figures:
        """Returns the figures of the dictionary that is mined from all pairs, pooled."""
        return self._of_dictionary(dictionary_of(self.own))

    def listed(self, seed: int, folder: Path) -> dict[str, Figures]:
        """Train islands of one language each with a public list of words.

        Args:
            seed: Of the job.
            folder: Where the list goes.

        Returns:
            Figures of the encoder, of the list, and of both.
        """
        languages = sorted(self._texts.verses)
        verses = len(self._texts.verses[ENGLISH])
        public = set(range(0, verses, max(1, verses // PUBLIC)))
        rest = [row for row in range(verses) if row not in public]
        own = {
            language: _samples(self._texts.verses, (language,), rest[number :: len(languages)])
            for number, language in enumerate(languages)
        }
        path = folder / "words.tsv"
        _write(self._mined(sorted(public)), path)
        spec = structs.replace(
            self._spec, objective="switched", switching=Switching(table=str(path))
        )
        network = spec.network
        assert isinstance(network, Static)
        vocabulary, _ = rehearsed(network, list(own.values()), seed)
        learned = _federated(spec, own, seed, vocabulary)
        table, listed = translations.folded(learned), load_table(path)
        return {
            LISTED: self._measured(learned, vocabulary),
            WITH_LIST: self._of_dictionary(listed, (table, vocabulary)),
            LIST: self._of_dictionary(listed),
        }

    def _measured(self, learned: Parameters, vocabulary: Tokenizer) -> Figures:
        return {
            name: fmean(translations.retrieval(learned, vocabulary, it) for it in tests)
            for name, tests in self.tests.items()
        }

    def _of_dictionary(
        self, dictionary: Dictionary, encoder: "tuple[object, Tokenizer] | None" = None
    ) -> Figures:
        return {
            name: fmean(dictionary_retrieval(dictionary, it, _vectors(it, encoder)) for it in tests)
            for name, tests in self.tests.items()
        }

    def _mined(self, rows: Sequence[int]) -> Dictionary:
        verses, tables = self._texts.verses, {}
        english = [words(normalised(verses[ENGLISH][row]), ENGLISH) for row in rows]
        for language in sorted(set(verses) - {ENGLISH}):
            others = [words(normalised(verses[language][row]), language) for row in rows]
            mined = mine(english, others, (ENGLISH, language), replace(Mining(), least_count=2))
            tables.update(mined.tables)
        return Dictionary(tables)


def _federated(
    spec: Encoders, own: Mapping[str, Samples], seed: int, vocabulary: Tokenizer
) -> Parameters:
    trainers = {name: trainer(spec, it, seed, name, vocabulary) for name, it in own.items()}
    wanted = training(spec, list(own), seed, vocabulary=vocabulary)
    return federate(wanted, trainers, spec.rounds.count, Telemetry()).parameters


def _vectors(texts: Samples, encoder: "tuple[object, Tokenizer] | None") -> list[np.ndarray]:
    if encoder is None:
        return []
    table, vocabulary = encoder
    columns = (texts.texts, *texts.translations)
    return [static.embed(table, vocabulary.tokens(it)) for it in columns]  # type: ignore[arg-type]


def _samples(verses: Texts, languages: Sequence[str], rows: Sequence[int]) -> Samples:
    whole = [row for row in rows if all(verses[language][row] for language in languages)]
    columns = [tuple(verses[language][row] for row in whole) for language in languages]
    nothing = np.empty((len(whole), 0), np.float32)
    return Samples("text", nothing, tuple(languages), columns[0], None, tuple(columns[1:]))


def _tests(texts: Bibles, others: Sequence[str]) -> "Sequence[tuple[str, list[Samples]]]":
    # Of Tatoeba there are pairs with English alone, which islands hold, of other texts.
    unheld = [
        (
            name,
            [_samples(texts.tests[name], pair, _rows(texts.tests[name], pair)) for pair in pairs],
        )
        for name, pairs in ((it, list(combinations(others, 2))) for it in (BIBLE, NTREX))
    ]
    held = [
        _samples(rows, (language, ENGLISH), _rows(rows, (language, ENGLISH)))
        for language in others
        for rows in (texts.tests[f"{TATOEBA}-{language}"],)
    ]
    return [*unheld, (TATOEBA, held)]


def _rows(rows: Texts, languages: Sequence[str]) -> Sequence[int]:
    return range(len(rows[languages[0]]))


def _write(dictionary: Dictionary, path: Path) -> None:
    """Write the surer half of a dictionary as a user's table."""
    rows = [it for it in dictionary.rows() if it[4] >= SURE]
    lines = ["\t".join(it[:4]) for it in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
