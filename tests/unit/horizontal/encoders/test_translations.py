"""Static encoders of texts and translations, trained by children with different languages."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from isthmus.core.errors import PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders import system
from isthmus.horizontal.encoders.child import trainer, trainer_factory
from isthmus.horizontal.encoders.inputs import NO_PIECE, to_inputs
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.encoders.master import training
from isthmus.horizontal.encoders.spec import Encoders, Static
from isthmus.horizontal.encoders.translations import folded, retrieval
from isthmus.horizontal.fusion.spec import TouchMean
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.rounds.in_process import federate
from isthmus.horizontal.rounds.local_training import LocalTrainer
from isthmus.horizontal.spec import LocalTraining, Rounds
from isthmus.horizontal.system import LocalData, RoundsOutcome, VocabularyFacts
from isthmus.nn.spec import Text
from isthmus.text.model_folder import read_static
from isthmus.text.tokenizer import LEAST, Tokenizer
from tests.federation import Federation, learner

LANGUAGES = "de", "en", "fr"
WORDS = 40


def word(language: str, number: int) -> str:
    return f"{language}{'abcdefghij'[number % 10]}{'klmnopqrst'[number // 10]}"


def texts(rows: int, *languages: str, seed: int = 0) -> Samples:
    """Texts of the same words in each language."""
    chosen = np.random.default_rng(seed).integers(WORDS, size=(rows, 5))
    columns = [
        tuple(" ".join(word(language, int(it)) for it in row) for row in chosen)
        for language in languages
    ]
    return Samples(
        "text", np.empty((rows, 0), np.float32), languages, columns[0], None, tuple(columns[1:])
    )


@pytest.fixture(scope="module")
def vocabulary() -> Tokenizer:
    whole = {word(language, it): 10 for language in LANGUAGES for it in range(WORDS)}
    return Tokenizer.train_on_words(whole, LEAST)


def job(**changes: Any) -> Encoders:
    usual: dict[str, Any] = {
        "network": Static(size=16, length=32),
        "objective": "pairs",
        "temperature": 0.1,
        "training": LocalTraining(steps=5, batch=32, optimiser="adam", rate=0.05),
        "fusion": TouchMean(),
        "rounds": Rounds(count=6),
    }
    return Encoders(**(usual | changes))


OWN = {"berlin": texts(120, "en", "de", seed=1), "paris": texts(120, "en", "fr", seed=2)}


def trained(spec: Encoders, vocabulary: Tokenizer) -> Any:
    trainers = {it: trainer(spec, own, 3, it, vocabulary) for it, own in OWN.items()}
    wanted = training(spec, list(OWN), 3, vocabulary=vocabulary)
    return federate(wanted, trainers, spec.rounds.count, Telemetry())


class TestInputs:
    def test_are_pieces_by_row_and_language(self, vocabulary: Tokenizer) -> None:
        found = to_inputs(Static(length=4), OWN["berlin"], vocabulary=vocabulary)
        assert found.values.shape == (120, 2, 4)
        due = vocabulary.tokens(OWN["berlin"].translations[0][:1], 4).ids.tolist()
        first = found.values[0, 1].numpy()
        assert first[first != NO_PIECE].tolist() == due

    def test_of_a_batch_are_as_long_as_its_longest(self, vocabulary: Tokenizer) -> None:
        short = Samples(
            "text", np.empty((2, 0), np.float32), ("a", "b"), ("x", "x " * 9), None, (("y", ""),)
        )
        found = to_inputs(Static(), short, vocabulary=vocabulary)
        assert found.take(np.array([0])).values.shape[2] < found.values.shape[2]

    def test_without_a_vocabulary_are_refused(self) -> None:
        with pytest.raises(ValueError, match="by a vocabulary: give it"):
            to_inputs(Static(), OWN["berlin"])


class TestTrainer:
    @pytest.mark.parametrize(
        ("own", "spec", "said"),
        [
            (texts(5, "en"), job(), "1 of your `columns` is a text. Name a column for each"),
            (
                texts(5, "en", "de"),
                Encoders(network=Text(size=8, length=8)),
                "chooses 2 columns, and the objective 'reconstruction'",
            ),
        ],
    )
    def test_refuses_too_few_or_too_many_columns(
        self, own: Samples, spec: Encoders, said: str, vocabulary: Tokenizer
    ) -> None:
        with pytest.raises(SpecError, match=said):
            trainer(spec, own, 1, "berlin", vocabulary)

    def test_of_bytes_learns_from_pairs_as_well(self) -> None:
        spec = job(network=Text(size=8, length=16, layers=1, heads=1), fusion=TouchMean())
        found = trainer(spec, OWN["berlin"], 1, "berlin")
        _, first = found.train(initial(spec, 1), 1)
        assert np.isfinite(first["loss"])

    def test_touches_the_pieces_of_its_own_texts_only(self, vocabulary: Tokenizer) -> None:
        start = initial(job(), 3, vocabulary.size)
        after, _ = trainer(job(), OWN["paris"], 3, "paris", vocabulary).train(start, 1)
        own = OWN["paris"]
        pieces = vocabulary.tokens((*own.texts, *own.translations[0])).ids
        moved = (after["encoder.table"] != start["encoder.table"]).any(axis=1)
        assert set(np.flatnonzero(moved)) <= set(pieces.tolist())
        assert moved.any()

    def test_skips_a_batch_without_another_text(self, vocabulary: Tokenizer) -> None:
        spec = job(training=LocalTraining(steps=1, batch=1))
        start = initial(spec, 3, vocabulary.size)
        after, metrics = trainer(spec, OWN["paris"], 3, "paris", vocabulary).train(start, 1)
        assert digest(after) == digest(start)
        assert metrics["loss"] == 0

    def test_is_made_of_texts_though_the_network_is_static(self, vocabulary: Tokenizer) -> None:
        make = trainer_factory(job(), OWN["paris"], 3, "paris", vocabulary)
        assert isinstance(make("static"), LocalTrainer)
        assert make("text") == "type not known"


class TestShared:
    def test_finds_translations_between_languages_that_nobody_holds_together(
        self, vocabulary: Tokenizer
    ) -> None:
        unheld = texts(60, "de", "fr", seed=9)
        start = retrieval(initial(job(), 3, vocabulary.size), vocabulary, unheld)
        found = retrieval(trained(job(), vocabulary).parameters, vocabulary, unheld)
        assert start < 20
        assert found > 80

    def test_is_the_same_to_the_bit_when_it_is_trained_again(self, vocabulary: Tokenizer) -> None:
        first, second = (trained(job(rounds=Rounds(count=2)), vocabulary) for _ in range(2))
        assert digest(first.parameters) == digest(second.parameters)


class TestSystem:
    def party(self, name: str, folder: Path, **parts: Any) -> LocalData:
        return LocalData(
            name,
            ("berlin", "paris"),
            seed=3,
            folder=folder,
            **({"train": None, "test": None} | parts),
        )

    def test_stores_a_model_and_compares_it_with_other_ways(
        self, vocabulary: Tokenizer, tmp_path: Path
    ) -> None:
        vocabulary.save(tmp_path / "tokenizer.json")
        spec, unheld = job(), texts(60, "de", "fr", seed=9)
        published = trained(spec, vocabulary).parameters
        hub = self.party("hub", tmp_path, test=unheld)
        outcome = RoundsOutcome(published, digest(published), spec.rounds.count)
        measured = system.finish(spec, hub, outcome, tmp_path / "network", Telemetry())()
        model = read_static(tmp_path / "network")
        assert model.table.numpy() == pytest.approx(folded(published).numpy())
        parties = {it: self.party(it, tmp_path, train=own) for it, own in OWN.items()}
        compared = system.compare(spec, parties | {"hub": hub}, {"hub": measured, "berlin": {}})
        found = compared.metrics["retrieval"]
        assert found.keys() == {"shared", "alone", "fedavg", "pooled", "dictionary_tfidf"}
        assert found["shared"] == measured["retrieval"]["shared"]
        assert found["alone"] < 30
        assert min(found["shared"], found["pooled"]) > 80

    def test_measures_nothing_where_the_master_has_no_texts(
        self, vocabulary: Tokenizer, tmp_path: Path
    ) -> None:
        vocabulary.save(tmp_path / "tokenizer.json")
        parties = {it: self.party(it, tmp_path, train=own) for it, own in OWN.items()}
        hub = self.party("hub", tmp_path)
        compared = system.compare(job(), parties | {"hub": hub}, {})
        assert compared.metrics == {}
        assert compared.vocabulary == VocabularyFacts(vocabulary.size, None)

    def test_names_a_vocabulary_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"tokenizer\.json: cannot be read"):
            system.lead(job(), self.party("hub", tmp_path))


class TestVocabulary:
    def test_of_another_digest_is_refused_before_anything_is_trained(
        self, vocabulary: Tokenizer
    ) -> None:
        other = Tokenizer.train_on_words({"anders": 10, "other": 10}, LEAST)
        spec = structs.replace(job(), rounds=Rounds(count=1, quorum=1, deadline=2))
        federation = Federation.of(
            {
                "berlin": learner(
                    lambda _: trainer(spec, OWN["berlin"], 3, "berlin", other), "static"
                ),
                "paris": learner(
                    lambda _: trainer(spec, OWN["paris"], 3, "paris", vocabulary), "static"
                ),
            }
        )
        federation.play(spec.rounds, training=training(spec, list(OWN), 3, vocabulary=vocabulary))
        assert isinstance(federation.raised["berlin"], PeerError)
        assert "get the same tokenizer.json" in str(federation.raised["berlin"])
        assert "paris" in federation.returned
