"""The line between a master and a child, over an engine that knows only questions and answers.

The master's end collects what it sends until an answer is due: that is a visit. The child's end
lives for one visit. There the role begins anew, as after any broken line: it reads again what lasts
(who trains what), then what is new, and stops where it waits for the next visit. What it says again
on its way is dropped, so nothing crosses twice that was not asked for twice.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from isthmus.core.errors import PeerError, SpecError
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message, MessageT, decode, encode


class Script(NamedTuple):
    """What a visit brings: messages in the order in which the child's role receives them."""

    messages: Sequence[bytes]
    known: int
    """How many of them came before; -1 on the first visit, which the role begins by speaking."""


Ask = Callable[[Script], Sequence[bytes]]
"""Takes a visit to the child, and gives what it sends back."""

Wrap = Callable[[Channel], Channel]
"""Puts something between a role and its line, for example a ledger."""


class VisitingLine:
    """The master's `Channel` to one child."""

    def __init__(self, peer: str, ask: Ask, lasting: tuple[type[Message], ...]) -> None:
        """Prepare a line; nothing is sent.

        Args:
            peer: Name of the child.
            ask: Takes a visit to it.
            lasting: Messages that the child's role needs in every visit.
        """
        self._peer = peer
        self._ask = ask
        self._lasting = lasting
        self._known: list[bytes] = []
        self._pending: list[Message] = []
        self._answers = deque[bytes]()
        self._met = False

    @property
    def peer(self) -> str:
        """Name of the child."""
        return self._peer

    def send(self, message: Message) -> None:
        """Keep a message for the next visit.

        Args:
            message: What crosses.

        Raises:
            SpecError: It is larger than its type allows; nothing was sent.
        """
        _encoded(message)
        self._pending.append(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Take the next answer, on a visit if there is none left.

        Args:
            kind: The only type that is accepted.

        Returns:
            The message; its arrays are read-only.

        Raises:
            PeerError: The child answered something else, or has stopped.
            ChannelError: The child cannot be reached any more.
        """
        if not self._answers:
            self._visit(kind)
        return _decoded(self._answers.popleft(), kind, self._peer)

    def _visit(self, kind: type[Message]) -> None:
        fresh, self._pending = self._pending, []
        known = len(self._known) if self._met else -1
        script = Script([*self._known, *map(encode, fresh)], known)
        self._known += [encode(it) for it in fresh if isinstance(it, self._lasting)]
        self._met = True
        self._answers.extend(self._ask(script))
        if not self._answers:
            raise PeerError(
                f"{self._peer!r} answered nothing where {kind.__name__} was due. Compare "
                "`isthmus version` on both sides."
            )


class VisitOver(BaseException):
    """The role waits for what a later visit will bring; no handler of errors may stop this."""


class Visit:
    """One visit, at the child."""

    def __init__(self, script: Script) -> None:
        self.answers: list[bytes] = []
        """What goes back to the master."""

        self._known = script.known
        self._script = deque(script.messages)
        self._read = 0

    def line(self, peer: str, wrap: Wrap = lambda line: line) -> Channel:
        """The child's `Channel` to the master.

        Args:
            peer: Name of the master.
            wrap: What sees each message that crosses; it sees none a second time.

        Returns:
            The line, for this visit only.
        """
        return _OnceEach(self, _Wire(self, peer), wrap)

    def take(self) -> bytes:
        """The next message of the script.

        Returns:
            Its encoding.

        Raises:
            VisitOver: There is no other.
        """
        if not self._script:
            raise VisitOver
        self._read += 1
        return self._script.popleft()

    @property
    def repeats(self) -> bool:
        """Whether what the role says now was said on an earlier visit."""
        return self._read <= self._known

    @property
    def rereads(self) -> bool:
        """Whether what the role reads next was read on an earlier visit."""
        return self._read < self._known


def answers(script: Script, play: Callable[[Visit], None]) -> list[bytes]:
    """Play the child's role for one visit.

    Args:
        script: What the visit brings.
        play: Plays the role from its beginning; it returns only when all is done.

    Returns:
        What goes back to the master.
    """
    visit = Visit(script)
    with suppress(VisitOver):
        play(visit)
    return visit.answers


class _Wire:
    """What really crosses."""

    def __init__(self, visit: Visit, peer: str) -> None:
        self._visit = visit
        self._peer = peer

    @property
    def peer(self) -> str:
        return self._peer

    def send(self, message: Message) -> None:
        self._visit.answers.append(_encoded(message))

    def receive(self, kind: type[MessageT]) -> MessageT:
        return _decoded(self._visit.take(), kind, self._peer)


class _OnceEach:
    """Drops what was sent on an earlier visit, and reads unseen what was read."""

    def __init__(self, visit: Visit, wire: Channel, wrap: Wrap) -> None:
        self._visit = visit
        self._wire = wire
        self._line = wrap(wire)

    @property
    def peer(self) -> str:
        return self._line.peer

    def send(self, message: Message) -> None:
        if not self._visit.repeats:
            self._line.send(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        return (self._wire if self._visit.rereads else self._line).receive(kind)


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
