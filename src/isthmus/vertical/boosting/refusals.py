"""What the mathematics refuses in a peer's message becomes an error about the peer."""

from collections.abc import Generator
from contextlib import contextmanager

from isthmus.core.errors import PeerError
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message


@contextmanager
def honest(peer: Channel, kind: type[Message]) -> Generator[None]:
    """Work on a message that the peer may have made up.

    Args:
        peer: The line to whoever sent it.
        kind: Its type.

    Yields:
        Nothing.

    Raises:
        PeerError: The block raised a ValueError; both sides get to read it.
    """
    try:
        yield
    except ValueError as error:
        raise PeerError(
            f"{peer.peer!r} sent {kind.__name__} that no honest run makes: {error}. "
            "Do not use this run; ask which version they run."
        ) from None


def check_first_row(first_row: int, due: int) -> None:
    """Refuse a block of other rows than are due.

    Args:
        first_row: Where the block starts.
        due: Where it should.

    Raises:
        ValueError: These are not the same.
    """
    if first_row != due:
        raise ValueError(f"its rows start at {first_row}, where {due} is due")
