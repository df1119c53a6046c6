"""Many lines and one inbox."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.horizontal.lines import Lines, Word
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


def lines_to(*peers: str) -> tuple[Lines, list[LoopbackEnd]]:
    """Lines to peers, and the peers' ends."""
    ends = [loopback("us", peer) for peer in peers]
    return Lines(Hello, [ours for ours, _ in ends]), [theirs for _, theirs in ends]


class Slow:
    """A line on which it takes a while to send."""

    def __init__(self, line: Channel) -> None:
        self.peer, self._line = line.peer, line
        self.receive = line.receive

    def send(self, message: Message) -> None:
        time.sleep(0.2)
        self._line.send(message)


def hear(lines: Lines, seconds: float = 20.0) -> Word:
    word = lines.hear(time.monotonic() + seconds)
    assert word is not None
    return word


class TestLines:
    def test_hear_whoever_speaks_first(self) -> None:
        lines, (a, b) = lines_to("a", "b")
        b.send(Hello(name="b"))
        assert hear(lines) == ("b", Hello(name="b"))
        a.send(Hello(name="a"))
        assert hear(lines) == ("a", Hello(name="a"))

    def test_ask_all_without_waiting_for_anybody(self) -> None:
        lines, ends = lines_to("a", "b", "c")
        for end in ends:
            end.send(Hello())
        for peer in sorted(hear(lines).peer for _ in ends):
            lines.ask(peer, Answer, Question(number=1), Question(number=2))
        for end in reversed(ends):
            end.receive(Question)
            end.send(Answer(number=end.receive(Question).number))
        assert sorted(hear(lines) for _ in ends) == [
            (peer, Answer(number=2)) for peer in ("a", "b", "c")
        ]

    def test_hear_nothing_when_the_time_is_over(self) -> None:
        lines, _ = lines_to("a")
        assert lines.hear(time.monotonic() + 0.01) is None
        assert lines.hear(time.monotonic() - 1) is None

    def test_tell_without_hearing_of_it(self) -> None:
        lines, (a,) = lines_to("a")
        a.send(Hello())
        hear(lines)
        lines.tell("a", Question(number=1))
        assert a.receive(Question).number == 1
        assert lines.hear(time.monotonic() + 0.01) is None

    def test_drop_a_peer_with_a_last_word_and_hear_it_no_more(self) -> None:
        lines, (a,) = lines_to("a")
        a.send(Hello())
        hear(lines)
        lines.drop("a", Question(number=9))
        assert a.receive(Question).number == 9
        a.send(Answer())
        assert lines.hear(time.monotonic() + 0.01) is None

    def test_close_when_a_last_word_has_left(self) -> None:
        ours, theirs = loopback("us", "a")
        lines = Lines(Hello, [Slow(ours)])
        theirs.send(Hello())
        hear(lines)
        lines.drop("a", Question(number=9))
        lines.close()
        ours.close()
        assert theirs.receive(Question).number == 9

    def test_admit_a_line_from_another_thread(self) -> None:
        lines, _ = lines_to()
        ours, theirs = loopback("us", "late")
        theirs.send(Hello())
        with ThreadPoolExecutor(1) as other:
            other.submit(lines.admit, ours)
        assert hear(lines).peer == "late"


class TestFaults:
    def test_of_a_line_end_in_one_word(self) -> None:
        lines, (a, _) = lines_to("a", "b")
        a.abort()
        peer, said = hear(lines)
        assert peer == "a"
        assert isinstance(said, ChannelError)

    def test_of_a_peer_are_heard_and_it_can_still_be_told_something(self) -> None:
        lines, (a,) = lines_to("a")
        a.send(Question(number=1))
        peer, said = hear(lines)
        assert peer == "a"
        assert isinstance(said, PeerError)
        lines.drop("a", Question(number=2))
        assert a.receive(Question).number == 2

    def test_of_our_own_are_raised(self) -> None:
        lines, (a,) = lines_to("a")
        a.send(Hello())
        hear(lines)
        lines.ask("a", Answer, Answer(padding="x" * 2000))
        with pytest.raises(SpecError, match="over its limit"):
            hear(lines)


class TestAPeerOnANewLine:
    def again(self, lines: Lines) -> Channel:
        ours, theirs = loopback("us", "a")
        lines.admit(ours)
        return theirs

    def test_loses_the_one_before(self) -> None:
        lines, (before,) = lines_to("a")
        before.send(Hello(name="before"))
        hear(lines)
        after = self.again(lines)
        assert isinstance(hear(lines).said, ChannelError)
        after.send(Hello(name="after"))
        assert hear(lines) == ("a", Hello(name="after"))

    def test_is_not_asked_what_was_asked_on_the_one_before(self) -> None:
        lines, (before,) = lines_to("a")
        before.send(Hello())
        hear(lines)
        lines.ask("a", Answer, Question(number=1))
        after = self.again(lines)
        after.send(Hello())
        before.send(Answer(number=1))
        assert [type(hear(lines).said) for _ in range(2)][-1] is Hello
        assert lines.hear(time.monotonic() + 0.01) is None
