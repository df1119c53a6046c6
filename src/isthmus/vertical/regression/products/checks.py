"""Checks of messages of the other side."""

from collections.abc import Generator
from contextlib import contextmanager

from isthmus.core.errors import PeerError
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message


@contextmanager
def checked(peer: Channel, kind: type[Message]) -> Generator[None]:
    """Turn a ValueError about a message into an error that names who sent it.

    Args:
        peer: The channel that it came from.
        kind: Its type.

    Yields:
        Nothing.

    Raises:
        PeerError: There was one.
    """
    try:
        yield
    except ValueError as error:
        raise PeerError(
            f"{peer.peer!r} sent {kind.__name__} that no honest run makes: {error}. "
            "Do not use this run; compare `isthmus version` on both sides."
        ) from None


def equal_parts(data: bytes, count: int) -> list[bytes]:
    """Split bytes.

    Args:
        data: The bytes.
        count: Number of parts.

    Returns:
        Parts of equal size.

    Raises:
        ValueError: The bytes cannot be split so.
    """
    size, left = divmod(len(data), count)
    if left:
        raise ValueError(f"{len(data)} bytes are not {count} equal parts")
    return [data[at * size : (at + 1) * size] for at in range(count)]
