"""A line that does something when enough messages of a type have passed."""

from collections.abc import Callable
from dataclasses import dataclass

from isthmus.transport.channel import Channel
from isthmus.transport.message import Message, MessageT


@dataclass
class Watched:
    """A channel that does something when so many messages of a type have passed."""

    line: Channel
    kind: type[Message]
    left: int
    action: Callable[[], None]

    @property
    def peer(self) -> str:
        return self.line.peer

    def send(self, message: Message) -> None:
        self._count(type(message))
        self.line.send(message)

    def receive(self, kind: type[MessageT]) -> MessageT:
        self._count(kind)
        return self.line.receive(kind)

    def _count(self, kind: type[Message]) -> None:
        if kind is self.kind:
            self.left -= 1
            if self.left == 0:
                self.action()
