"""The line between a master and a child over Flower, which knows only requests and replies.

Flower starts a process per request. The master's end collects what it sends until an answer is due,
and delivers that in one request. At the child each request replays the role from the start: it
receives again the messages that it needs every time (what is trained), skips what was sent before,
and stops at the first message that has not arrived yet. So nothing is sent or recorded twice.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from isthmus.core.errors import PeerError, SpecError
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message, MessageT, decode, encode


class History(NamedTuple):
    """The messages of a request, in the order in which the child's role receives them."""

    messages: Sequence[bytes]
    known: int
    """How many of them came before; -1 in the first request, in which the role sends first."""


Deliver = Callable[[History], Sequence[bytes]]
"""Delivers a request to the child and returns its replies."""

Wrap = Callable[[Channel], Channel]
"""Wraps a line, for example in one that keeps a ledger."""


class ReplayLine:
    """The master's `Channel` to one child."""

    def __init__(self, peer: str, deliver: Deliver, lasting: tuple[type[Message], ...]) -> None:
        """Prepare a line; nothing is sent.

        Args:
            peer: Name of the child.
            deliver: Delivers a request to it.
            lasting: Types of the messages that the child's role needs in every request.
        """
        self._peer = peer
        self._deliver = deliver
        self._lasting = lasting
        self._known: list[bytes] = []
        self._pending: list[Message] = []
        self._replies = deque[bytes]()
        self._met = False

    @property
    def peer(self) -> str:
        """Name of the child."""
        return self._peer

    def send(self, message: Message) -> None:
        """Keep a message for the next request.

        Args:
            message: What to send.

        Raises:
            SpecError: It is larger than its type allows; nothing was sent.
        """
        _encoded(message)
        self._pending.append(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Return the next reply; makes a request if there is none left.

        Args:
            kind: The only type that is accepted.

        Returns:
            The message; its arrays are read-only.

        Raises:
            PeerError: The child answered something else, or has stopped.
            ChannelError: The child cannot be reached any more.
        """
        if not self._replies:
            self._exchange(kind)
        return _decoded(self._replies.popleft(), kind, self._peer)

    def _exchange(self, kind: type[Message]) -> None:
        fresh, self._pending = self._pending, []
        known = len(self._known) if self._met else -1
        history = History([*self._known, *map(encode, fresh)], known)
        self._known += [encode(it) for it in fresh if isinstance(it, self._lasting)]
        self._met = True
        self._replies.extend(self._deliver(history))
        if not self._replies:
            raise PeerError(
                f"{self._peer!r} answered nothing where {kind.__name__} was due. Compare "
                "`isthmus version` on both sides."
            )


class EndOfHistory(BaseException):
    """The role waits for a message of a later request; no handler of errors may catch this."""


class Replay:
    """One replay of the child's role, for one request."""

    def __init__(self, history: History) -> None:
        self.replies: list[bytes] = []
        """Encoded messages that go back to the master."""

        self._known = history.known
        self._messages = deque(history.messages)
        self._read = 0

    def line(self, peer: str, wrap: Wrap = lambda line: line) -> Channel:
        """The child's `Channel` to the master.

        Args:
            peer: Name of the master.
            wrap: Wraps the line; it sees each message once, in no replay again.

        Returns:
            The line, for this replay only.
        """
        return _ReplayedLine(self, _Wire(self, peer), wrap)

    def take(self) -> bytes:
        """Take the next message of the request.

        Returns:
            Its encoding.

        Raises:
            EndOfHistory: There is none left.
        """
        if not self._messages:
            raise EndOfHistory
        self._read += 1
        return self._messages.popleft()

    @property
    def resends(self) -> bool:
        """Whether the message that the role sends now was sent in an earlier replay."""
        return self._read <= self._known

    @property
    def rereads(self) -> bool:
        """Whether the message that the role receives next was received in an earlier replay."""
        return self._read < self._known


def replies(history: History, play: Callable[[Replay], None]) -> list[bytes]:
    """Replay the child's role for one request.

    Args:
        history: The messages of the request.
        play: Plays the role from the start; returns only when the whole role is done.

    Returns:
        Encoded messages for the master.
    """
    replay = Replay(history)
    with suppress(EndOfHistory):
        play(replay)
    return replay.replies


class _Wire:
    """Sends and receives for real."""

    def __init__(self, replay: Replay, peer: str) -> None:
        self._replay = replay
        self._peer = peer

    @property
    def peer(self) -> str:
        return self._peer

    def send(self, message: Message) -> None:
        self._replay.replies.append(_encoded(message))

    def receive(self, kind: type[MessageT]) -> MessageT:
        return _decoded(self._replay.take(), kind, self._peer)


class _ReplayedLine:
    """Skips what was sent in an earlier replay, and hides from the wrapper what was received."""

    def __init__(self, replay: Replay, wire: Channel, wrap: Wrap) -> None:
        self._replay = replay
        self._wire = wire
        self._line = wrap(wire)

    @property
    def peer(self) -> str:
        return self._line.peer

    def send(self, message: Message) -> None:
        if not self._replay.resends:
            self._line.send(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        return (self._wire if self._replay.rereads else self._line).receive(kind)


def _encoded(message: Message) -> bytes:
    encoded, kind = encode(message), type(message)
    if len(encoded) > kind.max_bytes:
        raise SpecError(
            f"a {kind.__name__} of {len(encoded)} bytes is over its limit of {kind.max_bytes}; "
            "it was not sent. Agree on a smaller model."
        )
    return encoded


def _decoded(encoded: bytes, kind: type[MessageT], peer: str) -> MessageT:
    if len(encoded) > kind.max_bytes:
        raise PeerError(
            f"{peer!r} sent {len(encoded)} bytes where a {kind.__name__} of at most "
            f"{kind.max_bytes} was due. Compare `isthmus version` on both sides."
        )
    return decode(encoded, kind, peer)
