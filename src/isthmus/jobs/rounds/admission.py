"""Admits children to the master's inbox: they come, go and come back while it works."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from isthmus.core.errors import ChannelError
from isthmus.horizontal.rounds.inbox import Inbox
from isthmus.jobs.connection import for_the_peer
from isthmus.transport.channel import Channel
from isthmus.transport.framing import FINISHED, Goodbye
from isthmus.transport.grpc import GrpcChannel, Listener
from isthmus.transport.message import Message, MessageT

Greet = Callable[[Channel], None]
"""Finds out whether the party at a line has the same job."""

Record = Callable[[GrpcChannel], Channel]
"""Makes a line one on which nothing leaves unrecorded."""

_POLL = 0.5
"""Seconds between two looks at whether the master still works."""


@contextmanager
def admission(
    listener: Listener, children: Sequence[str], inbox: Inbox, record: Record, greet: Greet
) -> Generator[None]:
    """Admit every child of a job, as often as it comes, while the block runs.

    Args:
        listener: Where they come.
        children: Who may come.
        inbox: What they are admitted to.
        record: What is done to each line first.
        greet: What is said on each line first.

    Yields:
        Nothing. When the block fails, the children are told what concerns them, and nothing else.

    Raises:
        IsthmusError: Whatever the block raised.
    """
    acceptor = _Acceptor(listener, inbox, record, greet)
    for child in children:
        threading.Thread(target=acceptor.watch, args=(child,), daemon=True).start()
    try:
        yield
    except BaseException as error:
        acceptor.close(for_the_peer(error))
        raise
    acceptor.close()


class _Acceptor:
    def __init__(self, listener: Listener, inbox: Inbox, record: Record, greet: Greet) -> None:
        self._listener = listener
        self._inbox = inbox
        self._record = record
        self._greet = greet
        self._closed = threading.Event()
        self._open: dict[str, GrpcChannel] = {}

    def watch(self, child: str) -> None:
        """Admit one child whenever it comes."""
        while not self._closed.is_set():
            try:
                line = self._listener.accept(child, _POLL, _quietly)
            except ChannelError:
                continue  # it has not come yet
            earlier = self._open.pop(child, None)
            if earlier is not None:
                earlier.abort()
            self._open[child] = line
            self._inbox.admit(Greeted(self._record(line), self._greet))

    def close(self, goodbye: Goodbye = FINISHED) -> None:
        """Let nobody in any more, and end all lines."""
        self._closed.set()
        self._inbox.close()
        lines: Mapping[str, GrpcChannel] = dict(self._open)
        with ThreadPoolExecutor(max(1, len(lines))) as pool:  # each may linger
            for line in lines.values():
                pool.submit(line.close, goodbye.reason, again=goodbye.again)


class Greeted:
    """A line on which the first thing is the greeting, done by whoever listens there."""

    def __init__(self, line: Channel, greet: Greet) -> None:
        """Greet nobody yet: that is done before the first message is received."""
        self._line = line
        self._greet: Greet | None = greet

    @property
    def peer(self) -> str:
        """Name of the party at the other end."""
        return self._line.peer

    def send(self, message: Message) -> None:
        """Send, as the line does."""
        self._line.send(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Receive, as the line does; at first greet."""
        if self._greet is not None:
            self._greet(self._line)
            self._greet = None
        return self._line.receive(kind)


def _quietly(_left: float) -> None:
    """Nobody counts down: the master is at work."""
