"""A run that was cut off goes on to the same model, bit by bit."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import ChannelError, DiskError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.messages import (
    Confirmation,
    EncoderRequest,
    Instruction,
    Published,
    RoundStart,
    RoundUpdate,
    Turn,
)
from isthmus.horizontal.parameters import Parameters, digest
from isthmus.horizontal.rounds import protocol
from isthmus.horizontal.rounds.inbox import Inbox
from isthmus.horizontal.rounds.memory import ChildMemory, MasterMemory
from isthmus.horizontal.rounds.protocol import Received, Trained, child
from isthmus.horizontal.spec import Rounds
from isthmus.transport.loopback import LoopbackEnd
from isthmus.transport.message import Message
from tests.disk import full_disk
from tests.faulty_channel import FaultyChannel, drop
from tests.federation import ENCODER, INITIAL, Federation, Role, learner, shift, trainer_of

ROOT = Path(__file__).parents[3]


def run(folder: Path, dies: str, updates: str) -> "subprocess.CompletedProcess[str]":
    folder.mkdir(exist_ok=True)
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tests.protocol.horizontal.mortal", str(folder), dies, updates],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(params=["plain", "masked"], scope="class")
def updates(request: pytest.FixtureRequest) -> str:
    """Whether the master sees updates, or their sums under masks."""
    return str(request.param)


class TestAfterKill9:
    @pytest.fixture(scope="class")
    @staticmethod
    def uninterrupted(tmp_path_factory: pytest.TempPathFactory, updates: str) -> str:
        model, _, trainings = run(tmp_path_factory.mktemp("whole"), "never", updates).stdout.split()
        assert trainings == "18"
        return model

    @pytest.mark.parametrize("dies", ["train", "fuse", "kept"])
    def test_of_all_parties_the_model_is_equal_bit_by_bit(
        self, dies: str, updates: str, uninterrupted: str, tmp_path: Path
    ) -> None:
        assert run(tmp_path, dies, updates).returncode == -signal.SIGKILL
        again = run(tmp_path, "never", updates)
        assert not again.stderr
        model, rounds, trainings = again.stdout.split()
        assert (model, rounds) == (uninterrupted, "6")
        assert int(trainings) < 18

    def test_a_finished_run_trains_nothing_again(
        self, updates: str, uninterrupted: str, tmp_path: Path
    ) -> None:
        run(tmp_path, "never", updates)
        assert run(tmp_path, "never", updates).stdout.split() == [uninterrupted, "6", "0"]


class TestAMasterWithoutRoomOnItsDisk:
    def test_says_so_and_goes_on_when_there_is_some(self, tmp_path: Path) -> None:
        def played(count: int) -> Trained:
            memory = MasterMemory(tmp_path / "master", "job")
            memory.load()
            federation = Federation.of({"a": learner(trainer_of(shift(1.0)))})
            return federation.play(Rounds(count=count, quorum=1), memory=memory)

        played(2)
        with full_disk(), pytest.raises(DiskError, match=r"Make room .* start the same command"):
            played(4)
        trained = played(4)
        assert len(trained.rounds) == 4
        assert all((array == 4.0).all() for array in trained.parameters.values())


class TestAMasterThatWasCutOffAfterTheLastRound:
    def played(self, tmp_path: Path, *children: str) -> tuple[Trained, Federation]:
        """With the children that come; `a` and `b` are expected."""
        memory = MasterMemory(tmp_path / "master", "job")
        memory.load()
        federation = Federation(Inbox(EncoderRequest, expected=["a", "b"]))
        for name in children:
            federation.add(name, learner(trainer_of(shift(1.0))))
        return federation.play(Rounds(count=2), memory=memory, wait=0.5), federation

    def test_needs_no_child_that_has_the_result(self, tmp_path: Path) -> None:
        before, _ = self.played(tmp_path, "a", "b")
        after, _ = self.played(tmp_path)
        assert (after.model, after.holders) == (before.model, ("a", "b"))

    def test_gives_it_to_one_that_has_not_and_waits_for_no_quorum(self, tmp_path: Path) -> None:
        before, _ = self.played(tmp_path, "a", "b")
        (tmp_path / "master.holders").unlink()  # as where it was killed before they confirmed
        after, federation = self.played(tmp_path, "b")
        assert federation.returned["b"].model == after.model == before.model
        assert federation.returned["b"].rounds == 0
        assert after.holders == ("b",)


class TestAChildThatIsCutOffAtTheEnd:
    def test_has_stored_the_result_before_it_says_so(self) -> None:
        stored = list[Received]()

        def role(line: LoopbackEnd) -> None:
            cut = FaultyChannel(line, 4, drop)  # its request, confirmation, update; and `Kept`
            memory = ChildMemory()
            child(cut, ENCODER, trainer_of(shift(1.0)), Telemetry(), memory, store=stored.append)

        federation = Federation.of({"a": role, "b": learner(trainer_of(shift(1.0)))})
        trained = federation.play(Rounds(count=1))
        assert [it.model for it in stored] == [trained.model]
        assert trained.holders == ("b",)

    def dies_once(self, federation: Federation, after: type[Message]) -> Role:
        """A child that is cut off once it is told of the result or has it, and comes again."""

        def role(line: LoopbackEnd) -> None:
            line.send(EncoderRequest(encoder=ENCODER))
            line.receive(Instruction)
            line.send(Confirmation(samples=1))
            line.receive(Turn)
            start = line.receive(RoundStart)
            update = {name: np.ones_like(array) for name, array in start.parameters.items()}
            line.send(RoundUpdate(round=start.round, update=update, metrics={}))
            line.receive(Turn)
            if after is Published:
                line.receive(Published)
            line.abort()
            federation.add("b", learner(trainer_of(shift(1.0))))

        return role

    @pytest.mark.parametrize("after", [Turn, Published])
    def test_gets_the_result_of_which_it_has_trained_a_part(
        self, after: type[Message], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(protocol, "OFFER", 600.0)
        federation = Federation.of({"a": learner(trainer_of(shift(1.0)))})
        federation.add("b", self.dies_once(federation, after))
        trained = federation.play(Rounds(count=1))
        assert set(trained.rounds[0].taken) == {"a", "b"}
        assert trained.holders == ("a", "b")


class TestAChildThatComesBack:
    def test_sends_the_update_that_it_has_made_already(self, tmp_path: Path) -> None:
        federation = Federation.of({"a": learner(trainer_of(shift(1.0)))})
        trainings: list[int] = []

        def train(parameters: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
            trainings.append(number)
            return shift(1.0)(parameters, number)

        def loaded() -> ChildMemory:
            memory = ChildMemory(tmp_path / "b", "job")
            memory.load()
            return memory

        def loses_its_line(line: LoopbackEnd) -> None:
            cut = FaultyChannel(line, 3, drop)  # after its request and its confirmation
            with pytest.raises(ChannelError):
                child(cut, ENCODER, trainer_of(train), Telemetry(), loaded())
            federation.add("b", learner(trainer_of(train), memory=loaded()))

        federation.add("b", loses_its_line)
        trained = federation.play(Rounds(count=2))
        assert trainings == [1, 2]
        assert digest(trained.parameters) == digest(
            {name: np.full_like(array, 2.0) for name, array in INITIAL.items()}
        )
