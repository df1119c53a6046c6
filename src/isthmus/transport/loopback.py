"""A line inside one process: for tests, and for both roles in two threads."""

from isthmus.transport.framing import FramedChannel
from isthmus.transport.pipe import Pipe


class LoopbackEnd(FramedChannel):
    """One end of an in-memory line; everything is encoded, framed and checked as on a wire."""

    def __init__(self, peer: str, incoming: Pipe, outgoing: Pipe, patience: float) -> None:
        super().__init__(peer, incoming, outgoing, patience)
        self.sent: list[bytes] = []
        """Every encoding that was sent from here, in order."""

    def transmit(self, kind: str, encoded: bytes) -> None:
        """Send bytes as a message of a type, and keep them in `sent`."""
        self.sent.append(encoded)
        super().transmit(kind, encoded)


def loopback(first: str, second: str, patience: float = 30.0) -> tuple[LoopbackEnd, LoopbackEnd]:
    """Two connected ends.

    Args:
        first: The party that holds the first end.
        second: The party that holds the second end.
        patience: Seconds that either end waits for the other.

    Returns:
        The first party's line to the second, and the second's line to the first.
    """
    to_first, to_second = Pipe(), Pipe()
    return (
        LoopbackEnd(second, incoming=to_first, outgoing=to_second, patience=patience),
        LoopbackEnd(first, incoming=to_second, outgoing=to_first, patience=patience),
    )
