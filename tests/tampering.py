"""A line whose holder changes some of the messages that an honest role sends."""

from collections.abc import Callable
from typing import Any

from isthmus.transport.channel import Channel
from isthmus.transport.message import Message, MessageT

Change = Callable[[Any, dict[str, Any]], Message]
"""Takes a message, and by name the last message of each type that crossed before it."""


class Tampering:
    """A `Channel` that sends messages of one type as a change makes them."""

    def __init__(self, line: Channel, kind: type[Message], change: Change) -> None:
        self._line = line
        self._kind = kind
        self._change = change
        self._seen = dict[str, Any]()

    @property
    def peer(self) -> str:
        """Name of the party at the other end."""
        return self._line.peer

    def send(self, message: Message) -> None:
        """Hand a message over, or what becomes of it."""
        if isinstance(message, self._kind):
            message = self._change(message, self._seen)
        self._seen[type(message).__name__] = message
        self._line.send(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Wait for the next message."""
        message = self._line.receive(kind)
        self._seen[type(message).__name__] = message
        return message
