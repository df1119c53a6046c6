"""Nothing leaves unchecked or unrecorded."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from isthmus.core.errors import ChannelError, LedgerError, PolicyError
from isthmus.ledger.channel import RecordedChannel, Traffic
from isthmus.ledger.policy import Policy
from isthmus.ledger.record import Ledger, records
from isthmus.transport.loopback import LoopbackEnd, loopback
from isthmus.transport.message import Message, encode


class Progress(Message, frozen=True):
    round: int


class Line:
    """The clinic's recorded line, and the insurer's end of it."""

    def __init__(self, folder: Path, policy: Policy, ends: tuple[LoopbackEnd, LoopbackEnd]) -> None:
        self.path = folder / "ledger.jsonl"
        self.to_insurer, self.insurer = ends
        self.ledger = Ledger(self.path)
        self.clinic = RecordedChannel(self.to_insurer, self.ledger, policy)


@pytest.fixture
def policy() -> Policy:
    return Policy()


@pytest.fixture
def line(tmp_path: Path, policy: Policy) -> Iterator[Line]:
    first, second = loopback("clinic", "insurer", patience=5)
    with closing(first), closing(second):
        line = Line(tmp_path, policy, (first, second))
        with line.ledger:
            yield line


class TestRecordedChannel:
    def test_carries_messages_both_ways(self, line: Line) -> None:
        line.clinic.send(Progress(round=1))
        line.insurer.send(Progress(round=2))
        assert line.insurer.receive(Progress) == Progress(round=1)
        assert line.clinic.receive(Progress) == Progress(round=2)
        assert line.clinic.peer == "insurer"

    def test_records_what_leaves_and_not_what_comes(self, line: Line) -> None:
        line.clinic.send(Progress(round=1))
        line.insurer.send(Progress(round=2))
        line.clinic.receive(Progress)
        [record] = records(line.path)
        assert (record.to, record.message) == ("insurer", "Progress")

    def test_counts_the_messages_of_each_type_in_both_directions(self, line: Line) -> None:
        for number in (1, 2):
            line.clinic.send(Progress(round=number))
        line.insurer.send(Progress(round=3))
        line.clinic.receive(Progress)
        assert line.clinic.sent == {Progress: Traffic(2, 2 * len(encode(Progress(round=1))))}
        assert line.clinic.received[Progress].count == 1

    def test_records_before_it_sends(self, line: Line) -> None:
        line.insurer.abort()
        line.to_insurer.abort()
        with pytest.raises(ChannelError):
            line.clinic.send(Progress(round=1))
        assert len(records(line.path)) == 1

    def test_does_not_send_what_it_cannot_record(self, line: Line) -> None:
        line.ledger.seal(lambda _: b"signature")
        with pytest.raises(LedgerError, match="Nothing was sent"):
            line.clinic.send(Progress(round=1))
        assert line.to_insurer.sent == []


class TestPolicy:
    @pytest.fixture
    def policy(self) -> Policy:
        return Policy(maximum_bytes=2 * len(encode(Progress(round=1))))

    def test_neither_records_nor_sends_what_it_refuses(self, line: Line) -> None:
        line.clinic.send(Progress(round=1))
        line.clinic.send(Progress(round=2))
        with pytest.raises(PolicyError, match="Progress was not sent"):
            line.clinic.send(Progress(round=3))
        assert len(records(line.path)) == len(line.to_insurer.sent) == 2
