"""What crosses between a master and its children is what `messages.py` declares."""

from typing import Any

import msgspec
import numpy as np
import pytest

from isthmus.horizontal import messages
from isthmus.horizontal.messages import RoundUpdate
from isthmus.horizontal.rounds.memory import ChildMemory
from isthmus.horizontal.spec import Rounds
from isthmus.transport.message import decode
from tests.federation import Federation, learner, shift, trainer_of
from tests.transcripts import declared, kinds

SECRET = b"ada-lovelace"
FROM_MASTER = {"Instruction", "Turn", "RoundStart", "Published"}
FROM_CHILD = {"EncoderRequest", "Confirmation", "RoundUpdate", "Kept"}
OF_A_VOCABULARY = {"CommonCells", "CommonWords", "Vocabulary"}  # see `test_vocabulary.py`


@pytest.fixture(scope="module")
def sent() -> dict[str, list[bytes]]:
    """Encoded messages of a run by who sent them."""
    state = {SECRET.decode(): np.frombuffer(SECRET, np.uint8)}
    roles = {
        "a": learner(trainer_of(shift(1.0), 3, state), memory=ChildMemory(job=SECRET.decode())),
        "b": learner(trainer_of(shift(2.0)), wanted=None),
        "c": learner(lambda _: "too few samples"),
    }
    federation = Federation.of(roles)
    federation.play(Rounds(count=2))
    assert not federation.raised
    return federation.sent()


class TestTranscript:
    def test_holds_only_declared_messages_in_the_declared_direction(
        self, sent: dict[str, list[bytes]]
    ) -> None:
        assert set(kinds(sent["master"])) == FROM_MASTER
        assert set(kinds(sent["a"])) == FROM_CHILD
        assert declared(messages).keys() == FROM_MASTER | FROM_CHILD | OF_A_VOCABULARY

    def test_of_a_child_is_one_update_per_round_and_what_frames_them(
        self, sent: dict[str, list[bytes]]
    ) -> None:
        framed = ["EncoderRequest", "Confirmation", "RoundUpdate", "RoundUpdate", "Kept"]
        assert kinds(sent["a"]) == framed
        rounds = [decode(data, RoundUpdate, "a").round for data in sent["a"][2:4]]
        assert rounds == [1, 2]

    def test_of_a_child_that_declines_holds_no_update(self, sent: dict[str, list[bytes]]) -> None:
        assert kinds(sent["c"]) == ["EncoderRequest", "Confirmation", "Kept"]

    def test_shows_no_child_what_another_one_sent_or_who_it_is(
        self, sent: dict[str, list[bytes]]
    ) -> None:
        fields: set[str] = set()
        for data in sent["master"]:
            message: dict[str, Any] = msgspec.msgpack.decode(data)
            fields |= message.keys()
        assert fields == {
            "type", "encoder", "vocabulary", "task", "reason", "round", "parameters", "model"
        }  # fmt: skip

    def test_holds_nothing_of_what_training_keeps(self, sent: dict[str, list[bytes]]) -> None:
        everything = b"".join(data for each in sent.values() for data in each)
        assert SECRET not in everything
