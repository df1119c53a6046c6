"""Many lines and one inbox: whoever speaks first is heard first.

A thread stands at each line. It sends what it is told to, waits for the answer and puts it into the
inbox; all decisions are made where the inbox is read, in one thread.
"""

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import NamedTuple

from isthmus.core.errors import ChannelError, PeerError
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message

_MOMENT = 5.0  # seconds

Said = Message | PeerError | ChannelError


class Word(NamedTuple):
    """What came from a peer: a message, or what is wrong with it; its line may be gone."""

    peer: str
    said: Said


class Lines:
    """The lines to all peers of one party; each peer speaks first, and then when it is asked."""

    def __init__(
        self, first: type[Message], lines: Sequence[Channel] = (), expected: Sequence[str] = ()
    ) -> None:
        """Begin to listen.

        Args:
            first: What every peer says first.
            lines: The lines that are there from the beginning.
            expected: Peers that will come.
        """
        self._first = first
        self.expected = (*expected, *(line.peer for line in lines))
        """The peers that are there from the beginning, or are waited for."""

        self._inbox = SimpleQueue[tuple[_Attendant, Message | Exception | None]]()
        self._attendants = dict[str, _Attendant]()
        self._farewells = list[_Order]()
        for line in lines:
            self.admit(line)

    def admit(self, line: Channel) -> None:
        """Listen to one more line; may be called from any thread.

        Args:
            line: A peer that is new, or comes back: then its earlier line is given up.
        """
        self._inbox.put((_Attendant(line, self._inbox), None))

    def ask(self, peer: str, answer: type[Message], *messages: Message) -> None:
        """Send messages to a peer that has spoken, and await its answer; returns at once.

        Args:
            peer: Who is asked.
            answer: The only type that is accepted.
            *messages: What to send before.
        """
        self._attendants[peer].orders.put(_Order(messages, answer))

    def tell(self, peer: str, *messages: Message) -> None:
        """Send messages to a peer that has spoken, without awaiting anything; returns at once."""
        self._attendants[peer].orders.put(_Order(messages, None))

    def drop(self, peer: str, *last: Message) -> None:
        """Send last messages to a peer, and listen to it no more; returns at once."""
        orders, farewell = self._attendants.pop(peer).orders, _Order(last, None)
        orders.put(farewell)
        orders.put(None)
        if last:
            self._farewells.append(farewell)

    def hear(self, until: float) -> Word | None:
        """Wait for the next word of any peer.

        Args:
            until: When to stop waiting, on the monotonic clock.

        Returns:
            The word, or `None` when the time is over.

        Raises:
            Exception: Our own side failed while it sent or received.
        """
        while (left := until - time.monotonic()) > 0:
            try:
                attendant, said = self._inbox.get(timeout=left)
            except queue.Empty:
                return None
            if word := self._word(attendant, said):
                return word
        return None

    def close(self) -> None:
        """Let all threads end; one that waits at a line ends when that line is closed.

        Last messages to peers that were dropped are given a moment to leave.
        """
        for peer in list(self._attendants):
            self.drop(peer)
        until = time.monotonic() + _MOMENT
        for farewell in self._farewells:
            farewell.done.wait(max(0.0, until - time.monotonic()))

    def _word(self, attendant: "_Attendant", said: Message | Exception | None) -> Word | None:
        if said is None:
            return self._install(attendant)
        if self._attendants.get(attendant.peer) is not attendant:
            return None  # from a line that was given up
        if not isinstance(said, Said):
            raise said
        if isinstance(said, ChannelError):
            self.drop(attendant.peer)
        return Word(attendant.peer, said)

    def _install(self, attendant: "_Attendant") -> Word | None:
        peer = attendant.peer
        returns = peer in self._attendants
        if returns:
            self.drop(peer)
        self._attendants[peer] = attendant
        attendant.orders.put(_Order((), self._first))
        threading.Thread(target=attendant.attend, daemon=True).start()
        return Word(peer, ChannelError(f"{peer!r} came on another line")) if returns else None


@dataclass(frozen=True)
class _Order:
    messages: tuple[Message, ...]
    answer: type[Message] | None
    done: threading.Event = field(default_factory=threading.Event)


class _Attendant:
    """Stands at a line."""

    def __init__(
        self, line: Channel, inbox: "SimpleQueue[tuple[_Attendant, Message | Exception | None]]"
    ) -> None:
        self.peer = line.peer
        self.orders = SimpleQueue[_Order | None]()
        self._line = line
        self._inbox = inbox

    def attend(self) -> None:
        """Carry out orders until there are no more."""
        for order in iter(self.orders.get, None):
            try:
                for message in order.messages:
                    self._line.send(message)
                if order.answer is not None:
                    self._inbox.put((self, self._line.receive(order.answer)))
            except Exception as error:  # noqa: BLE001 - it is heard, or raised, where it matters
                self._inbox.put((self, error))
            order.done.set()
