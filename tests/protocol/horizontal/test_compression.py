"""Updates in fewer bytes: what arrives, and what is made up for in later rounds."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import ChannelError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.parameters import Layout, Parameters
from isthmus.horizontal.privacy.messages import CoarseUpdate, SparseUpdate
from isthmus.horizontal.privacy.spec import EightBit, Privacy, TopK
from isthmus.horizontal.rounds.local_training import LocalTrainer, MakeTrainer
from isthmus.horizontal.rounds.memory import ChildMemory
from isthmus.horizontal.rounds.protocol import Trained, child
from isthmus.horizontal.rounds.training import Training
from isthmus.horizontal.spec import Rounds
from isthmus.transport.loopback import LoopbackEnd
from isthmus.transport.message import Message
from tests.faulty_channel import FaultyChannel, drop, replace
from tests.federation import ENCODER, Federation, Role, learner, mean

INITIAL: Parameters = {"b": np.zeros((), np.float32), "w": np.zeros((30, 10), np.float32)}
TARGET = np.random.default_rng(8).normal(size=301).astype(np.float32)
LAYOUT = Layout.of(INITIAL)

each_way = pytest.mark.parametrize(
    "compression", [TopK(share=0.1), EightBit()], ids=["top_k", "eight_bit"]
)


def towards(target: np.ndarray, privacy: Privacy) -> MakeTrainer:
    """Trainers that each move all parameters by a tenth of the way to a target."""

    def train(at: Parameters, _: int) -> tuple[Parameters, Mapping[str, float]]:
        here = LAYOUT.to_vector(at)
        moved = (here + np.float32(0.1) * (target - here)).astype(np.float32)
        return LAYOUT.to_parameters(moved), {}

    return lambda _: LocalTrainer(1, LAYOUT, train, privacy=privacy)


def play(roles: Mapping[str, Role], compression: TopK | EightBit | None, count: int) -> Trained:
    training = Training(ENCODER, INITIAL, mean, compression=compression)
    federation = Federation.of(dict(roles))
    trained = federation.play(Rounds(count=count), training=training)
    assert not federation.raised
    return trained


def pupils(compression: TopK | EightBit | None) -> dict[str, Role]:
    """Two children that pull apart, and together towards the target."""
    privacy = Privacy(compression=compression)
    return {
        "a": learner(towards(TARGET + 0.2, privacy)),
        "b": learner(towards(TARGET - 0.2, privacy)),
    }


def off(trained: Trained) -> float:
    """How far the parameters are from the target, at most."""
    return float(np.abs(LAYOUT.to_vector(trained.parameters) - TARGET).max())


class TestCompressedUpdates:
    @each_way
    def test_lead_to_the_same_place(self, compression: TopK | EightBit) -> None:
        assert off(play(pupils(compression), compression, 100)) < 0.3
        assert off(play(pupils(None), None, 100)) < 0.3

    def test_of_8_bits_lead_there_as_fast(self) -> None:
        rounded, whole = play(pupils(EightBit()), EightBit(), 10), play(pupils(None), None, 10)
        assert LAYOUT.to_vector(rounded.parameters) == pytest.approx(
            LAYOUT.to_vector(whole.parameters), abs=0.01
        )

    @pytest.mark.parametrize(
        ("compression", "message", "share"),
        [
            (TopK(share=0.1), SparseUpdate, 0.3),
            (EightBit(), CoarseUpdate, 0.35),
        ],
    )
    def test_take_fewer_bytes(
        self, compression: TopK | EightBit, message: type[Message], share: float
    ) -> None:
        federation = Federation.of(pupils(compression))
        training = Training(ENCODER, INITIAL, mean, compression=compression)
        federation.play(Rounds(count=1), training=training)
        (update,) = [it for it in federation.sent()["a"] if message.__name__.encode() in it]
        assert len(update) < share * 4 * LAYOUT.size

    @each_way
    def test_are_the_same_when_a_child_comes_back(
        self, compression: TopK | EightBit, tmp_path: Path
    ) -> None:
        privacy = Privacy(compression=compression)

        def loaded() -> ChildMemory:
            memory = ChildMemory(tmp_path / "b", "job")
            memory.load()
            return memory

        def loses_its_line_in_the_second_round(line: LoopbackEnd) -> None:
            cut = FaultyChannel(line, 4, drop)
            with pytest.raises(ChannelError):
                child(cut, ENCODER, towards(TARGET - 0.2, privacy), Telemetry(), loaded())
            federation.add("b", learner(towards(TARGET - 0.2, privacy), memory=loaded()))

        federation = Federation.of({"a": pupils(compression)["a"]})
        federation.add("b", loses_its_line_in_the_second_round)
        training = Training(ENCODER, INITIAL, mean, compression=compression)
        interrupted = federation.play(Rounds(count=5), training=training)
        assert interrupted.model == play(pupils(compression), compression, 5).model


class TestTheMasterSendsAway:
    @pytest.mark.parametrize(
        ("compression", "sent", "why"),
        [
            (
                TopK(),
                SparseUpdate(
                    round=1,
                    positions=np.array([400], np.uint32),
                    values=np.ones(1, np.float32),
                    metrics={},
                ),
                "positions do not rise, or are beyond the 301 of the encoder",
            ),
            (
                EightBit(),
                CoarseUpdate(
                    round=1,
                    steps=np.ones(2, np.float32),
                    levels=np.ones(5, np.int8),
                    metrics={},
                ),
                "do not fit the encoder",
            ),
        ],
        ids=["top_k", "eight_bit"],
    )
    def test_updates_that_do_not_fit(
        self, compression: TopK | EightBit, sent: Message, why: str
    ) -> None:
        def mallory(line: LoopbackEnd) -> None:
            cut = FaultyChannel(line, 3, replace(sent))
            trainers = towards(TARGET, Privacy(compression=compression))
            child(cut, ENCODER, trainers, Telemetry(), ChildMemory())

        federation = Federation.of(pupils(compression) | {"mallory": mallory})
        training = Training(ENCODER, INITIAL, mean, compression=compression)
        trained = federation.play(Rounds(count=1), training=training)
        assert set(trained.rounds[0].taken) == {"a", "b"}
        assert why in trained.rounds[0].left_out["mallory"]
