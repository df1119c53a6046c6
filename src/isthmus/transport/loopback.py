"""In-memory channels inside one process, for tests and for roles in threads."""

from isthmus.transport.framing import FramedChannel
from isthmus.transport.pipe import Pipe


class LoopbackEnd(FramedChannel):
    """One end of an in-memory channel; messages are encoded, framed and checked as over gRPC."""

    def __init__(self, peer: str, incoming: Pipe, outgoing: Pipe, patience: float) -> None:
        super().__init__(peer, incoming, outgoing, patience)
        self.sent: list[bytes] = []
        """The encoding of every message sent from this end, in order."""

    def transmit(self, kind: str, encoded: bytes) -> None:
        """Send an encoded message, and add it to `sent`."""
        self.sent.append(encoded)
        super().transmit(kind, encoded)


def loopback(first: str, second: str, patience: float = 30.0) -> tuple[LoopbackEnd, LoopbackEnd]:
    """Make two connected ends of a channel.

    Args:
        first: Name of the party with the first end.
        second: Name of the party with the second end.
        patience: Seconds that either end waits for the other.

    Returns:
        The first party's channel to the second, and the second's channel to the first.
    """
    to_first, to_second = Pipe(), Pipe()
    return (
        LoopbackEnd(second, incoming=to_first, outgoing=to_second, patience=patience),
        LoopbackEnd(first, incoming=to_second, outgoing=to_first, patience=patience),
    )
