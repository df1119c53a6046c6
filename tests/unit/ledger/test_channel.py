"""Nothing leaves unchecked or unrecorded."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from threading import Barrier

import pytest

from isthmus.core.errors import ChannelError, LedgerError, PolicyError
from isthmus.ledger.channel import RecordedChannel, Traffic
from isthmus.ledger.policy import Policy
from isthmus.ledger.record import Ledger, records
from isthmus.ledger.verify import verify
from isthmus.transport.loopback import LoopbackEnd, loopback
from isthmus.transport.message import Message, MessageT, encode


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

    def test_knows_whether_something_has_arrived(self, line: Line) -> None:
        assert not line.clinic.arrived(0)
        line.insurer.send(Progress(round=1))
        assert line.clinic.arrived(0)

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


class Peer:
    """A line that keeps what is sent to it."""

    def __init__(self, name: str) -> None:
        self.peer = name
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        raise NotImplementedError


class TestThreads:
    """One party sends to each of its peers from a thread of its own."""

    PEERS = 8
    MESSAGES = 60
    SIZE = len(encode(Progress(round=1)))

    @pytest.fixture(autouse=True)
    def hurried(self) -> Iterator[None]:
        """Let threads take turns as often as they can."""
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        yield
        sys.setswitchinterval(before)

    def send_to_all(self, ledger: Ledger, policy: Policy) -> list[RecordedChannel]:
        lines = [RecordedChannel(Peer(f"child-{n}"), ledger, policy) for n in range(self.PEERS)]
        together = Barrier(self.PEERS)

        def send(line: RecordedChannel) -> None:
            together.wait()
            for _ in range(self.MESSAGES):
                line.send(Progress(round=1))

        with ThreadPoolExecutor(self.PEERS) as pool:
            ended = [pool.submit(send, line) for line in lines]
        for future in ended:
            with suppress(PolicyError):
                future.result()
        return lines

    def test_leave_one_chain_and_exact_totals(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.jsonl"
        with Ledger(path) as ledger:
            lines = self.send_to_all(ledger, Policy())
            assert ledger.bytes_to == {line.peer: self.MESSAGES * self.SIZE for line in lines}
            assert ledger.bytes_of == {"Progress": self.PEERS * self.MESSAGES * self.SIZE}
            assert ledger.messages == self.PEERS * self.MESSAGES
            ledger.seal(lambda _: b"signature")
        assert verify(path).records == self.PEERS * self.MESSAGES
        times = [record.time for record in records(path)]
        assert times == sorted(times)
        for line in lines:
            assert line.sent == {Progress: Traffic(self.MESSAGES, self.MESSAGES * self.SIZE)}

    def test_cannot_send_more_together_than_the_policy_allows(self, tmp_path: Path) -> None:
        allowed = self.PEERS * self.MESSAGES // 2
        with Ledger(tmp_path / "ledger.jsonl") as ledger:
            lines = self.send_to_all(ledger, Policy(maximum_bytes=allowed * self.SIZE))
            assert ledger.messages == allowed
        assert sum(line.sent[Progress].count for line in lines) == allowed
