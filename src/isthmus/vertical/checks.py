"""Checks of a peer's messages: an invalid message becomes an error that names the peer."""

from collections.abc import Generator
from contextlib import contextmanager

from isthmus.core.errors import PeerError
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message


@contextmanager
def checked(peer: Channel, kind: type[Message]) -> Generator[None]:
    """Turn a ValueError about a message into a PeerError that names the sender.

    Args:
        peer: The channel that the message came from.
        kind: Type of the message.

    Yields:
        Nothing.

    Raises:
        PeerError: The block raised a ValueError. Both parties may read its text.
    """
    try:
        yield
    except ValueError as error:
        raise PeerError(
            f"{peer.peer!r} sent {kind.__name__} that no honest run makes: {error}. "
            "Do not use this run; compare `isthmus version` on both sides."
        ) from None


def check_first_row(first_row: int, due: int) -> None:
    """Refuse a block that does not start at the expected row.

    Args:
        first_row: First row of the block.
        due: The expected first row.

    Raises:
        ValueError: They differ.
    """
    if first_row != due:
        raise ValueError(f"its rows start at {first_row}, where {due} is due")
