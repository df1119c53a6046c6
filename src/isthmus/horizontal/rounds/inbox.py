"""Messages from many peers in one queue, in the order in which they arrive.

Each line has a thread of its own. It sends what it is given, waits for the answer and puts it into
the queue. All decisions are made in the one thread that reads the queue.
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

_LAST_SECONDS = 5.0  # for last messages, when all lines are closed

Content = Message | PeerError | ChannelError


class Arrival(NamedTuple):
    """What came from a peer: a message, or an error of the peer or of its line."""

    peer: str
    content: Content


class Inbox:
    """The lines to all peers of one party.

    Each peer sends a first message by itself, and after that it answers requests.
    """

    def __init__(
        self, first: type[Message], lines: Sequence[Channel] = (), expected: Sequence[str] = ()
    ) -> None:
        """Start to receive.

        Args:
            first: The type of the first message of every peer.
            lines: Lines that are open already.
            expected: Peers that will connect later.
        """
        self._first = first
        self.expected = (*expected, *(line.peer for line in lines))
        """Names of the peers whose lines are open, or that will connect."""

        self._queue = SimpleQueue[tuple[_LineThread, Message | Exception | None]]()
        self._threads = dict[str, _LineThread]()
        self._last_orders = list[_Order]()
        self._second = SimpleQueue[str]()
        for line in lines:
            self.admit(line)

    def admit(self, line: Channel) -> None:
        """Add a line; may be called from any thread.

        Args:
            line: To a new peer, or to one that connects again: its earlier line is then dropped.
        """
        self._queue.put((_LineThread(line, self._queue), None))

    def request(self, peer: str, answer: type[Message], *messages: Message) -> None:
        """Send messages to a peer and let its answer arrive here; returns at once.

        Args:
            peer: A peer whose first message has arrived.
            answer: The only type that is accepted.
            *messages: What to send before.
        """
        self._threads[peer].orders.put(_Order(messages, answer))

    def send(self, peer: str, *messages: Message) -> None:
        """Send messages to a peer that does not answer them; returns at once."""
        self._threads[peer].orders.put(_Order(messages, None))

    def drop(self, peer: str, *last: Message) -> None:
        """Send last messages to a peer and receive nothing more from it; returns at once."""
        orders, order = self._threads.pop(peer).orders, _Order(last, None)
        orders.put(order)
        orders.put(None)
        if last:
            self._last_orders.append(order)

    def next(self, until: float) -> Arrival | None:
        """Wait for the next arrival from any peer.

        Args:
            until: When to stop waiting, on the monotonic clock.

        Returns:
            The arrival, or `None` when the time is over.

        Raises:
            Exception: Our own side failed while it sent or received.
        """
        while (left := until - time.monotonic()) > 0:
            try:
                thread, content = self._queue.get(timeout=left)
            except queue.Empty:
                return None
            if arrival := self._arrival(thread, content):
                return arrival
        return None

    def note_second(self, peer: str) -> None:
        """Note that a second process with the key of a peer came; may be called by any thread."""
        self._second.put(peer)

    def second_processes(self) -> list[str]:
        """Returns the peers of which a second process has come since the last call, sorted."""
        found = set[str]()
        while not self._second.empty():
            found.add(self._second.get())
        return sorted(found)

    def close(self) -> None:
        """End all threads; one that waits for a message ends when its line is closed.

        Waits a few seconds for the last messages to peers that were dropped.
        """
        for peer in list(self._threads):
            self.drop(peer)
        until = time.monotonic() + _LAST_SECONDS
        for order in self._last_orders:
            order.done.wait(max(0.0, until - time.monotonic()))

    def _arrival(
        self, thread: "_LineThread", content: Message | Exception | None
    ) -> Arrival | None:
        if content is None:
            return self._start(thread)
        if self._threads.get(thread.peer) is not thread:
            return None  # from a line that was dropped
        if not isinstance(content, Content):
            raise content
        if isinstance(content, ChannelError):
            self.drop(thread.peer)
        return Arrival(thread.peer, content)

    def _start(self, thread: "_LineThread") -> Arrival | None:
        peer = thread.peer
        returns = peer in self._threads
        if returns:
            self.drop(peer)
        self._threads[peer] = thread
        thread.orders.put(_Order((), self._first))
        threading.Thread(target=thread.run, daemon=True).start()
        return Arrival(peer, ChannelError(f"{peer!r} came on another line")) if returns else None


@dataclass(frozen=True)
class _Order:
    """Messages to send, and the type of the answer to wait for, if any."""

    messages: tuple[Message, ...]
    answer: type[Message] | None
    done: threading.Event = field(default_factory=threading.Event)


class _LineThread:
    """Sends and receives on one line."""

    def __init__(
        self, line: Channel, arrivals: "SimpleQueue[tuple[_LineThread, Message | Exception | None]]"
    ) -> None:
        self.peer = line.peer
        self.orders = SimpleQueue[_Order | None]()
        self._line = line
        self._queue = arrivals

    def run(self) -> None:
        """Carry out orders until `None` comes."""
        for order in iter(self.orders.get, None):
            try:
                for message in order.messages:
                    self._line.send(message)
                if order.answer is not None:
                    self._queue.put((self, self._line.receive(order.answer)))
            except Exception as error:  # noqa: BLE001 - handled by who reads the queue
                self._queue.put((self, error))
            order.done.set()
