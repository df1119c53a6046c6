"""A line over requests and replies: what the roles see of it, and what crosses."""

from collections.abc import Callable

import pytest

from isthmus.core.errors import PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.flower.replay import History, Replay, ReplayLine, replies
from isthmus.horizontal.messages import Confirmation, EncoderRequest, Instruction, Turn
from isthmus.horizontal.rounds.inbox import Inbox
from isthmus.horizontal.rounds.memory import ChildMemory, MasterMemory
from isthmus.horizontal.rounds.protocol import Trained, child, master
from isthmus.horizontal.rounds.training import Training
from isthmus.horizontal.spec import Rounds
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message, MessageT, encode
from tests.federation import ENCODER, INITIAL, Federation, learner, mean, shift, trainer_of

INSTRUCTION = Instruction(encoder=ENCODER)


class Crossing:
    """A `Channel` that notes the type of each message that crosses, as a ledger does."""

    def __init__(self, line: Channel, notes: list[str]) -> None:
        self._line = line
        self._notes = notes

    @property
    def peer(self) -> str:
        return self._line.peer

    def send(self, message: Message) -> None:
        self._notes.append(f"> {type(message).__name__}")
        self._line.send(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        message = self._line.receive(kind)
        self._notes.append(f"< {kind.__name__}")
        return message


def replayed(by: float, notes: list[str], memory: ChildMemory) -> Callable[[History], list[bytes]]:
    """A child whose role starts again for every request."""

    def play(replay: Replay) -> None:
        line = replay.line("master", lambda wire: Crossing(wire, notes))
        child(line, ENCODER, trainer_of(shift(by)), Telemetry(), memory)

    return lambda history: replies(history, play)


def over_replays(rounds: int, notes: list[str]) -> Trained:
    lines = [
        ReplayLine("a", replayed(1.0, notes, ChildMemory()), (Instruction,)),
        ReplayLine("b", replayed(3.0, [], ChildMemory()), (Instruction,)),
    ]
    spec = Rounds(count=rounds, deadline=30)
    training = Training(ENCODER, INITIAL, mean)
    return master(Inbox(EncoderRequest, lines), training, spec, Telemetry(), MasterMemory())


class TestReplays:
    def test_lead_to_the_same_model_as_lines_that_stay(self) -> None:
        roles = {"a": learner(trainer_of(shift(1.0))), "b": learner(trainer_of(shift(3.0)))}
        stayed = Federation.of(roles).play(Rounds(count=3), mean)
        came = over_replays(3, [])
        assert (came.model, came.rounds) == (stayed.model, stayed.rounds)
        assert came.holders == ("a", "b")

    def test_what_was_said_before_is_neither_said_nor_seen_a_second_time(self) -> None:
        notes: list[str] = []
        over_replays(2, notes)
        assert notes == [
            *("> EncoderRequest", "< Instruction", "> Confirmation"),
            *("< Turn", "< RoundStart", "> RoundUpdate"),
            *("< Turn", "< RoundStart", "> RoundUpdate"),
            *("< Turn", "< Published", "> Kept"),
        ]

    def test_only_what_lasts_is_brought_again(self) -> None:
        histories: list[History] = []

        def deliver(history: History) -> list[bytes]:
            histories.append(history)
            return [encode(Confirmation(samples=1))]

        line = ReplayLine("a", deliver, (Instruction,))
        line.send(INSTRUCTION)
        line.send(Turn(task="wait"))
        line.receive(Confirmation)
        line.receive(Confirmation)
        first, second = histories
        assert (len(first.messages), first.known) == (2, -1)
        assert (second.messages, second.known) == ([encode(INSTRUCTION)], 1)


class TestReplayLine:
    def test_an_answer_of_another_type_is_refused(self) -> None:
        line = ReplayLine("a", lambda _: [encode(INSTRUCTION)], ())
        with pytest.raises(PeerError, match="'a' sent something that is not a Confirmation"):
            line.receive(Confirmation)

    def test_no_answer_is_refused(self) -> None:
        with pytest.raises(PeerError, match="'a' answered nothing where Confirmation was due"):
            ReplayLine("a", lambda _: [], ()).receive(Confirmation)

    def test_what_is_over_the_limit_of_its_type_neither_leaves_nor_arrives(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        line = ReplayLine("a", lambda _: [encode(INSTRUCTION)], ())
        monkeypatch.setattr(Instruction, "max_bytes", 10)
        with pytest.raises(SpecError, match="over its limit of 10; it was not sent"):
            line.send(INSTRUCTION)
        with pytest.raises(PeerError, match="where a Instruction of at most 10 was due"):
            line.receive(Instruction)


class TestReplay:
    def test_a_role_cannot_mistake_its_end_for_an_error(self) -> None:
        def play(replay: Replay) -> None:
            try:
                replay.line("master").receive(Instruction)
            except Exception:  # noqa: BLE001 - this is the test
                pytest.fail("the end of a replay came as an error")

        assert replies(History([], -1), play) == []

    def test_an_error_of_the_role_is_raised(self) -> None:
        with pytest.raises(PeerError, match="we ask for 'other'"):
            replies(
                History([encode(INSTRUCTION)], 0),
                lambda replay: _wanting("other", replay),
            )


def _wanting(encoder: str, replay: Replay) -> None:
    child(replay.line("master"), encoder, trainer_of(shift(1.0)), Telemetry(), ChildMemory())
