"""Children of one language each, and a list of words that all of them have."""

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.encoders import system
from isthmus.horizontal.encoders.child import trainer
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.encoders.master import training
from isthmus.horizontal.encoders.spec import Encoders, Static, Switching
from isthmus.horizontal.encoders.switching import Switcher
from isthmus.horizontal.encoders.translations import retrieval
from isthmus.horizontal.fusion.spec import TouchMean
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.rounds.in_process import federate
from isthmus.horizontal.spec import LocalTraining, Rounds
from isthmus.horizontal.system import LocalData, RoundsOutcome
from isthmus.text.tokenizer import LEAST, Tokenizer
from tests.unit.horizontal.encoders.test_translations import LANGUAGES, WORDS, texts, word

LISTED = 30
"""Words of the list; the others are learned from what stands around them, if at all."""

OWN = {
    "berlin": texts(200, "de", seed=1),
    "london": texts(200, "en", seed=2),
    "paris": texts(200, "fr", seed=3),
}


@pytest.fixture(scope="module")
def vocabulary() -> Tokenizer:
    whole = {word(language, it): 10 for language in LANGUAGES for it in range(WORDS)}
    return Tokenizer.train_on_words(whole, LEAST)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "words.tsv"
    lines = [
        f"en\t{word('en', it)}\t{other}\t{word(other, it)}\n{other}\t{word(other, it)}\ten\t"
        f"{word('en', it)}\n"
        for it in range(LISTED)
        for other in ("de", "fr")
    ]
    path.write_text("".join(lines))
    return path


def job(listed: Path) -> Encoders:
    return Encoders(
        network=Static(size=16, length=32),
        objective="switched",
        switching=Switching(table=str(listed)),
        temperature=0.1,
        training=LocalTraining(steps=8, batch=32, optimiser="adam", rate=0.05),
        fusion=TouchMean(),
        rounds=Rounds(count=4),
    )


class TestSwitcher:
    def test_puts_the_words_of_one_other_language_in_place_of_those_it_knows(
        self, vocabulary: Tokenizer, listed: Path
    ) -> None:
        spec = Switching(table=str(listed), kept=0.0)
        found = Switcher(OWN["berlin"], spec, vocabulary, 32)
        ours, theirs = found.drawn(np.arange(50), np.random.default_rng(1))
        left, right = (
            [vocabulary.text(it.ids[a:b]) for a, b in zip(it.starts, it.starts[1:], strict=False)]
            for it in (ours, theirs)
        )
        numbers = {word(language, it): it for language in LANGUAGES for it in range(WORDS)}
        assert len(left) == len(right) > 40
        for text, other in zip(left, right, strict=True):
            known = [numbers[it] for it in text.split() if numbers[it] < LISTED]
            assert [numbers[it] for it in other.split()] == known
            assert {it[:2] for it in other.split()} in ({"en"}, {"fr"})

    def test_refuses_a_list_without_the_language_of_a_column(
        self, vocabulary: Tokenizer, listed: Path
    ) -> None:
        with pytest.raises(SpecError, match="has no word in 'ru'"):
            Switcher(texts(5, "ru"), Switching(table=str(listed)), vocabulary, 32)


class TestShared:
    def test_finds_translations_though_each_child_has_one_language(
        self, vocabulary: Tokenizer, listed: Path
    ) -> None:
        spec, unheld = job(listed), texts(60, "de", "fr", seed=9)
        trainers = {it: trainer(spec, own, 3, it, vocabulary) for it, own in OWN.items()}
        wanted = training(spec, list(OWN), 3, vocabulary=vocabulary)
        start = retrieval(initial(spec, 3, vocabulary.size), vocabulary, unheld)
        shared = federate(wanted, trainers, spec.rounds.count, Telemetry()).parameters
        assert start < 20
        assert retrieval(shared, vocabulary, unheld) > 70

    def test_is_measured_with_the_list_and_beside_it(
        self, vocabulary: Tokenizer, listed: Path
    ) -> None:
        vocabulary.save(listed.parent / "tokenizer.json")
        spec = structs.replace(
            job(Path(listed.name)),  # as a job names it: from its folder
            training=LocalTraining(steps=1, batch=8),
            rounds=Rounds(count=1),
        )
        children = tuple(sorted(OWN))
        parts = {
            it: LocalData(it, children, own, None, seed=3, folder=listed.parent)
            for it, own in OWN.items()
        }
        unheld = texts(60, "de", "fr", seed=9)
        hub = LocalData("hub", children, None, unheld, seed=3, folder=listed.parent)
        start = initial(spec, 3, vocabulary.size)
        outcome = RoundsOutcome(start, digest(start), 1)
        measured = system.finish(spec, hub, outcome, listed.parent / "network", Telemetry())()
        found = system.compare(spec, parts | {"hub": hub}, {"hub": measured}).metrics["retrieval"]
        assert found.keys() == {
            "shared", "fused", "alone", "fedavg", "pooled", "dictionary_tfidf"
        }  # fmt: skip
        assert found["dictionary_tfidf"] > 50

    def test_names_a_list_that_is_not_there(self, vocabulary: Tokenizer, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"none\.tsv: cannot be read"):
            trainer(job(tmp_path / "none.tsv"), OWN["paris"], 3, "paris", vocabulary)
