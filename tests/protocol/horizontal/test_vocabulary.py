"""A joint vocabulary: agreed on under masks, and what of a secret text leaves an island."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from isthmus.core.errors import PeerError, SpecError
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders import cells, joint_vocabulary
from isthmus.horizontal.encoders.joint_vocabulary import rehearsed
from isthmus.horizontal.encoders.spec import CountNoise, Encoders, Joint, Static
from isthmus.horizontal.fusion.spec import TouchMean
from isthmus.horizontal.messages import CommonCells, CommonWords, Turn, Vocabulary
from isthmus.horizontal.privacy.messages import MaskedUpdate
from isthmus.horizontal.privacy.spec import EightBit, Privacy, SecureAggregation
from isthmus.horizontal.rounds.local_training import CELLS, WordCounter
from isthmus.horizontal.rounds.memory import ChildMemory, LastUpdate, MasterMemory
from isthmus.horizontal.rounds.protocol import Trained
from isthmus.horizontal.rounds.vocabulary import count_words, name_words
from isthmus.horizontal.spec import LocalTraining, Rounds
from isthmus.text.tokenizer import LEAST, Tokenizer
from isthmus.transport.loopback import loopback
from tests.federation import Federation, Role, learner
from tests.identities import identity
from tests.transcripts import kinds, of_kinds

PLANTED = "zyxgeheim"
FROM_MASTER = {
    *("Instruction", "Turn", "CommonCells", "Vocabulary", "RoundStart", "Published"),
    *("Participants", "SealedShares", "Survivors"),
}
FROM_CHILD = {
    *("EncoderRequest", "Confirmation", "CommonWords", "Kept"),
    *("MaskKeys", "SealedShares", "MaskedUpdate", "Opening"),
}
NETWORK = Static(
    size=8, vocabulary="joint", joint=Joint(pieces=LEAST, least_documents=20, own_documents=5)
)
SPEC = Encoders(
    network=NETWORK,
    objective="pairs",
    training=LocalTraining(steps=2, batch=16, optimiser="adam", rate=0.01),
    fusion=TouchMean(),
    rounds=Rounds(count=2, quorum=3),
    privacy=Privacy(secure_aggregation=SecureAggregation(largest_norm=100.0)),
)
SEED = 5


def texts(language: str, seed: int, *, secret: bool = False) -> Samples:
    draw = np.random.default_rng(seed)
    chosen = draw.integers(12, size=(40, 4))
    one = [" ".join(f"word{'abcdefghijkl'[int(it)]}" for it in row) for row in chosen]
    other = [" ".join(f"{language}{'abcdefghijkl'[int(it)]}" for it in row) for row in chosen]
    if secret:
        one[0], other[0] = f"{PLANTED} {one[0]}", f"{PLANTED} {other[0]}"
    empty = np.empty((40, 0), np.float32)
    return Samples("text", empty, ("en", language), tuple(one), None, (tuple(other),))


OWN = {"ada": texts("de", 1, secret=True), "bo": texts("fr", 2), "cy": texts("ru", 3)}


def roles(network: Static, spec: Encoders) -> dict[str, Role]:
    def role(child: str) -> Role:
        return learner(
            lambda _: joint_vocabulary.trainer(spec, network, OWN[child], SEED, child), "static"
        )

    return {child: role(child) for child in OWN}


def played(
    memory: MasterMemory | None = None, network: Static = NETWORK, spec: Encoders = SPEC
) -> tuple[Federation, Trained]:
    federation = Federation.of(roles(network, spec))
    wanted = joint_vocabulary.training(spec, network, list(OWN), SEED)
    trained = federation.play(SPEC.rounds, training=wanted, memory=memory)
    assert not federation.raised
    return federation, trained


@pytest.fixture(scope="module")
def run() -> tuple[Federation, Trained]:
    return played()


class TestAgreed:
    def test_is_what_all_would_agree_on_in_one_process(
        self, run: tuple[Federation, Trained]
    ) -> None:
        due, words = rehearsed(NETWORK, list(OWN.values()), SEED)
        assert Tokenizer(run[1].vocabulary).digest == due.digest
        assert words >= 12
        assert len(run[1].rounds) == 2

    def test_reaches_every_child_once_before_its_first_round(
        self, run: tuple[Federation, Trained]
    ) -> None:
        federation, trained = run
        for received in federation.returned.values():
            assert received.vocabulary == trained.vocabulary
            assert received.model == trained.model
            assert received.rounds == 2
        assert kinds(federation.sent()["master"]).count("Vocabulary") == len(OWN)

    def test_is_kept_by_a_master_that_is_started_again(
        self, run: tuple[Federation, Trained]
    ) -> None:
        federation, trained = played(MasterMemory(vocabulary=run[1].vocabulary))
        assert trained.model == run[1].model
        assert "CommonWords" not in kinds(federation.sent()["ada"])


class TestWithoutMasksOnUpdates:
    @pytest.mark.parametrize("compression", [None, EightBit()], ids=["whole", "8 bits"])
    def test_updates_follow_the_vocabulary(self, compression: EightBit | None) -> None:
        spec = structs.replace(SPEC, privacy=Privacy(compression=compression))
        federation, trained = played(spec=spec)
        assert len(trained.rounds) == 2
        sent = kinds(federation.sent()["ada"])
        assert sent.count("MaskedUpdate") == 1  # of counts
        assert sent.count("RoundUpdate" if compression is None else "CoarseUpdate") == 2


class TestTranscript:
    def test_holds_only_declared_messages_in_the_declared_direction(
        self, run: tuple[Federation, Trained]
    ) -> None:
        sent = run[0].sent()
        assert set(kinds(sent["master"])) == FROM_MASTER
        for child in OWN:
            assert set(kinds(sent[child])) == FROM_CHILD


class TestSecret:
    def test_word_of_one_text_is_in_no_message_and_no_vocabulary(
        self, run: tuple[Federation, Trained]
    ) -> None:
        federation, trained = run
        everything = b"".join(it for each in federation.sent().values() for it in each)
        assert PLANTED.encode() not in everything
        assert PLANTED.encode() not in trained.vocabulary
        assert b"worda" in everything  # a common one is

    def test_counts_leave_under_masks_only(self, run: tuple[Federation, Trained]) -> None:
        counts, *_ = of_kinds(run[0].sent()["ada"], MaskedUpdate)
        plain = joint_vocabulary.counted(OWN["ada"], NETWORK.joint, SEED)[CELLS]
        assert counts.values.shape == plain.shape
        # A mask makes each cell one of 2^32; without one, nearly all would be 0.
        assert (counts.values == plain).mean() < 1e-4

    def test_is_not_told_by_the_words_that_its_island_names(
        self, run: tuple[Federation, Trained]
    ) -> None:
        (named,) = of_kinds(run[0].sent()["ada"], CommonWords)
        assert PLANTED not in named.words
        assert min(named.documents) >= NETWORK.joint.own_documents


class TestMembership:
    """Whether an island has a text, guessed from which rows of the table it touched."""

    def touched(self, own: Samples) -> Any:
        vocabulary, _ = rehearsed(NETWORK, list(OWN.values()), SEED)
        pieces = [vocabulary.tokens(it).ids for it in (own.texts, *own.translations)]
        return vocabulary, {int(it) for part in pieces for it in part}

    def test_shows_where_updates_are_seen_and_a_piece_is_rare(self) -> None:
        # The bytes and pieces of a secret word are touched by the island that has it.
        vocabulary, with_secret = self.touched(OWN["ada"])
        _, without = self.touched(texts("de", 1))
        secret = {int(it) for it in vocabulary.tokens([PLANTED]).ids}
        assert secret <= with_secret
        assert secret - without

    def test_is_hidden_in_a_number_of_islands_under_masks(
        self, run: tuple[Federation, Trained]
    ) -> None:
        rows = len(Tokenizer(run[1].vocabulary).vocabulary)
        for child in OWN:
            _, update, *_ = of_kinds(run[0].sent()[child], MaskedUpdate)
            touches = update.values[-2 * rows :]
            assert (touches > len(OWN)).mean() > 0.999


class TestCheats:
    def counter(self) -> WordCounter:
        found = joint_vocabulary.trainer(SPEC, NETWORK, OWN["ada"], SEED, "ada").counter
        assert found is not None
        return found

    def test_a_child_names_nothing_before_its_counts_were_summed(self) -> None:
        master, ours = loopback("ada", "master")
        counter = self.counter()
        master.send(CommonCells(cells=np.full(counter.size // 8, 255, np.uint8)))
        with pytest.raises(PeerError, match="after no sum of ours"):
            name_words(ours, counter, ChildMemory())

    def test_a_child_counts_no_more_once_rounds_have_begun(self) -> None:
        _, ours = loopback("ada", "master")
        memory = ChildMemory(last=LastUpdate(1, "", {}, {}))
        with pytest.raises(PeerError, match="begins round 0 anew"):
            count_words(ours, self.counter(), memory, identity("ada"))

    def test_a_vocabulary_that_is_none_stops_a_child(self) -> None:
        with pytest.raises(SpecError, match="not a tokenizer"):
            self.counter().trainer(Vocabulary(content=b"nothing").content)


class TestNoise:
    """Counts under noise are drawn once: what is asked for again is the same."""

    @pytest.fixture(autouse=True)
    def few_cells(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cells, "WIDTH", 2**12)
        monkeypatch.setattr(cells, "SIZE", cells.ROWS * 2**12)

    NOISED = structs.replace(
        NETWORK, joint=structs.replace(NETWORK.joint, noise=CountNoise(documents=1))
    )

    def test_is_drawn_once_and_stored_before_counts_leave(self, tmp_path: Path) -> None:
        def asked() -> bytes:
            ours, theirs = loopback("ada", "master")
            memory = ChildMemory(tmp_path / "ada", "job")
            memory.load()
            counter = joint_vocabulary.trainer(SPEC, self.NOISED, OWN["ada"], SEED, "ada").counter
            assert counter is not None
            ours.send(Turn(task="wait"))  # in place of who takes part
            assert count_words(theirs, counter, memory, identity("ada")).task == "wait"
            assert memory.last is not None
            return memory.last.update[CELLS].tobytes()

        assert asked() == asked()

    def test_is_on_what_is_named_in_a_run_that_goes_to_its_end(self) -> None:
        weak = CountNoise(epsilon=1000.0, delta=0.05, documents=1)
        network = structs.replace(NETWORK, joint=structs.replace(NETWORK.joint, noise=weak))
        federation, trained = played(network=network)
        assert len(trained.rounds) == 2
        (named,) = of_kinds(federation.sent()["ada"], CommonWords)
        exact = joint_vocabulary.counted(OWN["ada"], NETWORK.joint, SEED)["documents"]
        assert named.words
        assert sorted(named.documents) != sorted(exact.tolist())

    def test_hides_counts_also_from_whoever_takes_the_masks_off(self) -> None:
        plain = joint_vocabulary.counted(OWN["ada"], NETWORK.joint, SEED)[CELLS]
        noised = joint_vocabulary.counted(OWN["ada"], self.NOISED.joint, SEED)[CELLS]
        assert (plain == 0).mean() > 0.98
        assert (noised == plain).mean() < 0.2
