"""Many lines and one inbox."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.horizontal.rounds.inbox import Arrival, Inbox
from isthmus.transport.channel import Channel
from isthmus.transport.loopback import LoopbackEnd, loopback
from isthmus.transport.message import Message


class Hello(Message, frozen=True):
    name: str = ""


class Question(Message, frozen=True):
    number: int


class Answer(Message, frozen=True):
    max_bytes = 1000
    number: int = 0
    padding: str = ""


def inbox_of(*peers: str) -> tuple[Inbox, list[LoopbackEnd]]:
    """Lines to peers, and the peers' ends."""
    ends = [loopback("us", peer) for peer in peers]
    return Inbox(Hello, [ours for ours, _ in ends]), [theirs for _, theirs in ends]


class Slow:
    """A line on which it takes a while to send."""

    def __init__(self, line: Channel) -> None:
        self.peer, self._line = line.peer, line
        self.receive = line.receive

    def send(self, message: Message) -> None:
        time.sleep(0.2)
        self._line.send(message)


def next_of(inbox: Inbox, seconds: float = 20.0) -> Arrival:
    arrival = inbox.next(time.monotonic() + seconds)
    assert arrival is not None
    return arrival


class TestInbox:
    def test_hear_whoever_speaks_first(self) -> None:
        inbox, (a, b) = inbox_of("a", "b")
        b.send(Hello(name="b"))
        assert next_of(inbox) == ("b", Hello(name="b"))
        a.send(Hello(name="a"))
        assert next_of(inbox) == ("a", Hello(name="a"))

    def test_ask_all_without_waiting_for_anybody(self) -> None:
        inbox, ends = inbox_of("a", "b", "c")
        for end in ends:
            end.send(Hello())
        for peer in sorted(next_of(inbox).peer for _ in ends):
            inbox.request(peer, Answer, Question(number=1), Question(number=2))
        for end in reversed(ends):
            end.receive(Question)
            end.send(Answer(number=end.receive(Question).number))
        assert sorted(next_of(inbox) for _ in ends) == [
            (peer, Answer(number=2)) for peer in ("a", "b", "c")
        ]

    def test_hear_nothing_when_the_time_is_over(self) -> None:
        inbox, _ = inbox_of("a")
        assert inbox.next(time.monotonic() + 0.01) is None
        assert inbox.next(time.monotonic() - 1) is None

    def test_tell_without_hearing_of_it(self) -> None:
        inbox, (a,) = inbox_of("a")
        a.send(Hello())
        next_of(inbox)
        inbox.send("a", Question(number=1))
        assert a.receive(Question).number == 1
        assert inbox.next(time.monotonic() + 0.01) is None

    def test_drop_a_peer_with_a_last_word_and_hear_it_no_more(self) -> None:
        inbox, (a,) = inbox_of("a")
        a.send(Hello())
        next_of(inbox)
        inbox.drop("a", Question(number=9))
        assert a.receive(Question).number == 9
        a.send(Answer())
        assert inbox.next(time.monotonic() + 0.01) is None

    def test_close_when_a_last_word_has_left(self) -> None:
        ours, theirs = loopback("us", "a")
        inbox = Inbox(Hello, [Slow(ours)])
        theirs.send(Hello())
        next_of(inbox)
        inbox.drop("a", Question(number=9))
        inbox.close()
        ours.close()
        assert theirs.receive(Question).number == 9

    def test_admit_a_line_from_another_thread(self) -> None:
        inbox, _ = inbox_of()
        ours, theirs = loopback("us", "late")
        theirs.send(Hello())
        with ThreadPoolExecutor(1) as other:
            other.submit(inbox.admit, ours)
        assert next_of(inbox).peer == "late"


class TestFaults:
    def test_of_a_line_end_in_one_word(self) -> None:
        inbox, (a, _) = inbox_of("a", "b")
        a.abort()
        peer, content = next_of(inbox)
        assert peer == "a"
        assert isinstance(content, ChannelError)

    def test_of_a_peer_are_heard_and_it_can_still_be_told_something(self) -> None:
        inbox, (a,) = inbox_of("a")
        a.send(Question(number=1))
        peer, content = next_of(inbox)
        assert peer == "a"
        assert isinstance(content, PeerError)
        inbox.drop("a", Question(number=2))
        assert a.receive(Question).number == 2

    def test_of_our_own_are_raised(self) -> None:
        inbox, (a,) = inbox_of("a")
        a.send(Hello())
        next_of(inbox)
        inbox.request("a", Answer, Answer(padding="x" * 2000))
        with pytest.raises(SpecError, match="over its limit"):
            next_of(inbox)


class TestAPeerOnANewLine:
    def again(self, inbox: Inbox) -> Channel:
        ours, theirs = loopback("us", "a")
        inbox.admit(ours)
        return theirs

    def test_loses_the_one_before(self) -> None:
        inbox, (before,) = inbox_of("a")
        before.send(Hello(name="before"))
        next_of(inbox)
        after = self.again(inbox)
        assert isinstance(next_of(inbox).content, ChannelError)
        after.send(Hello(name="after"))
        assert next_of(inbox) == ("a", Hello(name="after"))

    def test_is_not_asked_what_was_asked_on_the_one_before(self) -> None:
        inbox, (before,) = inbox_of("a")
        before.send(Hello())
        next_of(inbox)
        inbox.request("a", Answer, Question(number=1))
        after = self.again(inbox)
        after.send(Hello())
        before.send(Answer(number=1))
        assert [type(next_of(inbox).content) for _ in range(2)][-1] is Hello
        assert inbox.next(time.monotonic() + 0.01) is None
