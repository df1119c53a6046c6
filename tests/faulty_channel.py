"""A line that misbehaves once, for tests of what a role does about it."""

import time
from collections.abc import Callable

from isthmus.transport.framing import FramedChannel
from isthmus.transport.message import Message, MessageT, encode

Fault = Callable[[FramedChannel, Message], None]
"""What happens in place of sending a message."""


class FaultyChannel:
    """A `Channel` that passes everything on, but meets a fault at the nth message it sends."""

    def __init__(self, line: FramedChannel, nth: int, fault: Fault) -> None:
        self._line = line
        self._until_fault = nth
        self._fault = fault

    @property
    def peer(self) -> str:
        """Name of the party at the other end."""
        return self._line.peer

    def send(self, message: Message) -> None:
        """Hand a message over, or let the fault do what it does with it."""
        self._until_fault -= 1
        if self._until_fault == 0:
            self._fault(self._line, message)
        else:
            self._line.send(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Wait for the next message, as the wrapped line does."""
        return self._line.receive(kind)


def drop(line: FramedChannel, _: Message) -> None:
    """The line breaks, without a word and for good."""
    line.abort()


def corrupt(line: FramedChannel, message: Message) -> None:
    """Half of the bytes arrive with every bit turned."""
    encoded = encode(message)
    middle = len(encoded) // 2
    turned = bytes(byte ^ 0xFF for byte in encoded[middle:])
    line.transmit(type(message).__name__, encoded[:middle] + turned)


def replay(line: FramedChannel, message: Message) -> None:
    """The message arrives twice."""
    line.send(message)
    line.send(message)


def delay(seconds: float) -> Fault:
    """The message arrives late."""

    def fault(line: FramedChannel, message: Message) -> None:
        time.sleep(seconds)
        line.send(message)

    return fault


def replace(other: Message) -> Fault:
    """Another message arrives."""

    def fault(line: FramedChannel, _: Message) -> None:
        line.send(other)

    return fault
