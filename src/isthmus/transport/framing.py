"""Framing: messages become frames and are read back, in the same way on every kind of connection.

A message is a head frame, with its type and its size, and then its bytes in chunks of `CHUNK`
bytes, the last one shorter. The reader checks type and size against what it expects before it
allocates memory. A goodbye frame may come instead of any frame; no frame follows it.
"""

from contextlib import suppress
from types import TracebackType
from typing import Annotated, Protocol, Self

import msgspec

from isthmus.core.errors import ChannelError, IsthmusError, PeerError, SpecError
from isthmus.transport.message import Count, Message, MessageT, decode, encode, one_line
from isthmus.transport.pipe import Pipe

CHUNK = 2**20
"""Bytes of a full frame, the largest piece that is sent at once."""

PATIENCE = 600.0
"""Default timeout: seconds that a peer may send or read nothing."""


class Head(msgspec.Struct, frozen=True, tag=True, array_like=True, forbid_unknown_fields=True):
    """The first frame of a message: its type and its size in bytes."""

    kind: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,79}\Z")]
    size: Count


class Goodbye(msgspec.Struct, frozen=True, tag=True, array_like=True, forbid_unknown_fields=True):
    """The last frame of a party that closes the channel; without a reason, it has finished."""

    reason: str = ""
    again: bool = False
    """Whether the reason is one that passes: both sides run the same command again, and go on."""


FINISHED = Goodbye()


class Outgoing(Protocol):
    """Where frames for the peer are put, such as a `Pipe`."""

    def put(self, frame: bytes, patience: float | None = None) -> None:
        """Add a frame; EOFError once it has ended, TimeoutError without room for too long."""
        ...

    def end(self, last: bytes | None = None) -> None:
        """Take no more frames, after an optional last one."""
        ...


class FramedChannel:
    """A `Channel` over two pipes of frames; subclasses connect the pipes to the peer."""

    def __init__(self, peer: str, incoming: Pipe, outgoing: Outgoing, patience: float) -> None:
        self._peer = peer
        self._incoming = incoming
        self._outgoing = outgoing
        self._patience = patience
        self._closed = False
        self._farewell: Goodbye | None = None
        self.bytes_sent = 0
        self.bytes_received = 0

    @property
    def peer(self) -> str:
        """Name of the party at the other end."""
        return self._peer

    def send(self, message: Message) -> None:
        """Send a message; blocks while the peer is too far behind.

        Args:
            message: The message.

        Raises:
            SpecError: The message is larger than its type allows; nothing was sent.
            PeerError: The peer has closed the channel, and said why.
            ChannelError: The connection is lost, or the peer read nothing for too long.
        """
        kind, encoded = type(message), encode(message)
        if len(encoded) > kind.max_bytes:
            raise SpecError(
                f"a {kind.__name__} of {len(encoded)} bytes is over its limit of {kind.max_bytes}; "
                "it was not sent. Let the job work in smaller batches."
            )
        self.transmit(kind.__name__, encoded)

    def receive(self, kind: type[MessageT]) -> MessageT:
        """Wait for the next message.

        Args:
            kind: The only type that is accepted.

        Returns:
            The message; its arrays are read-only.

        Raises:
            PeerError: The peer sent another type, too many bytes, or invalid fields; or it has
                closed the channel, and said why.
            ChannelError: The connection is lost, or the peer sent nothing for too long.
        """
        # 1. Check type and size before memory is allocated.
        size = self._announced(kind)
        encoded = bytearray(size)

        # 2. Read the chunks; the length of each follows from the size.
        for start in range(0, size, CHUNK):
            chunk = self._next_frame(kind)
            if len(chunk) != min(CHUNK, size - start):
                raise self._not_a_chunk(kind, chunk)
            encoded[start : start + len(chunk)] = chunk

        # 3. Check the fields against the type.
        return decode(memoryview(encoded).toreadonly(), kind, self._peer)

    def arrived(self, seconds: float) -> bool:
        """Wait until something has arrived or the line is over; False if neither came to pass."""
        return self._closed or self._farewell is not None or self._incoming.wait(seconds)

    def transmit(self, kind: str, encoded: bytes) -> None:
        """Send an encoded message.

        Args:
            kind: Name of the message type.
            encoded: The encoding of the message.

        Raises:
            PeerError: The peer has closed the channel, and said why.
            ChannelError: The connection is lost, or the peer read nothing for too long.
        """
        self._put(msgspec.msgpack.encode(Head(kind, len(encoded))), kind)
        whole = memoryview(encoded)
        for start in range(0, len(encoded), CHUNK):
            self._put(bytes(whole[start : start + CHUNK]), kind)

    def close(self, reason: str = "", *, again: bool = False) -> None:
        """Send a goodbye and close; what was sent still arrives. A second call does nothing.

        Args:
            reason: One sentence for the peer, empty if the role has finished. It leaves this
                party: no data in it.
            again: Whether it passes, so that the peer is told to run the same command again.
        """
        if not self._closed:
            self._closed = True
            self._outgoing.end(msgspec.msgpack.encode(Goodbye(one_line(reason), again)))
            self._incoming.end()

    def abort(self) -> None:
        """Close without a goodbye, as a crash would."""
        self._closed = True
        self._outgoing.end()
        self._incoming.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        # The text of an error may name our files and columns: tell the peer only that we failed.
        self.close("it failed; the error is on its own screen" if error else "")

    def _announced(self, kind: type[Message]) -> int:
        frame = self._next_frame(kind)
        match _control(frame):
            case Head(name, size):
                pass
            case Goodbye() as goodbye:
                raise self._left(goodbye)
            case None:
                raise PeerError(
                    f"expected {kind.__name__} from {self._peer!r}, got {len(frame)} bytes that "
                    "announce no message. Compare `isthmus version` on both sides."
                )
        if name != kind.__name__:
            raise PeerError(
                f"expected {kind.__name__} from {self._peer!r}, got {name}. Run `isthmus check` on "
                "both sides and compare the digests of the job."
            )
        if size > kind.max_bytes:
            raise PeerError(
                f"{self._peer!r} announced a {name} of {size} bytes, over the limit of "
                f"{kind.max_bytes}. Compare the job and `isthmus version` on both sides."
            )
        return size

    def _not_a_chunk(self, kind: type[Message], frame: bytes) -> IsthmusError:
        match _control(frame):
            case Goodbye() as goodbye:
                return self._left(goodbye)
            case _:
                return PeerError(
                    f"{self._peer!r} sent a piece of {len(frame)} bytes inside a {kind.__name__} "
                    "where another length was due. Compare `isthmus version` on both sides."
                )

    def _next_frame(self, kind: type[Message]) -> bytes:
        self._check_open()
        try:
            frame = self._get()
        except EOFError:
            raise self._gone() from None
        except TimeoutError:
            raise ChannelError(
                f"waited {self._patience:g} s for {kind.__name__} from {self._peer!r}. Is "
                f"{self._peer!r} running the same job? Run `isthmus check` on both sides."
            ) from None
        self.bytes_received += len(frame)
        return frame

    def _get(self) -> bytes:
        return self._incoming.get(self._patience)

    def _put(self, frame: bytes, kind: str) -> None:
        self._check_open()
        try:
            self._outgoing.put(frame, self._patience)
        except EOFError:
            raise self._gone() from None
        except TimeoutError:
            raise self._stuck(kind) from None
        self.bytes_sent += len(frame)

    def _check_open(self) -> None:
        if self._closed:
            raise ChannelError(f"the line to {self._peer!r} was closed on this side.")
        if self._farewell is not None:
            raise self._left(self._farewell)

    def _stuck(self, kind: str) -> IsthmusError:
        """Returns the error for a message that the peer did not read in time."""
        return ChannelError(
            f"{self._peer!r} took nothing of our {kind} for {self._patience:g} s. Is "
            f"{self._peer!r} running the same job? Run `isthmus check` on both sides."
        )

    def _gone(self) -> IsthmusError:
        """Returns the error for a pipe that has ended; a goodbye in it says why."""
        self._check_open()
        last = b""
        with suppress(EOFError, TimeoutError):
            while True:
                last = self._incoming.get(patience=1.0)
        match _control(last):
            case Goodbye() as goodbye:
                return self._left(goodbye)
            case _:
                return self._cut_off()

    def _cut_off(self) -> IsthmusError:
        """Returns the error for a connection that ended without a goodbye."""
        return ChannelError(
            f"the line to {self._peer!r} is gone: its process ended, its machine stopped, or the "
            "network between you is cut. Run the same command again on both sides."
        )

    def _left(self, goodbye: Goodbye) -> IsthmusError:
        self._farewell = goodbye  # later calls raise the same error
        if goodbye.reason:
            return stopped(self._peer, goodbye)
        return ChannelError(
            f"{self._peer!r} has finished its part and left, but we were not done with it. Do both "
            "sides run the same job? Run `isthmus check` on both sides."
        )


def stopped(peer: str, goodbye: Goodbye) -> IsthmusError:
    """Returns the error of a party whose peer has left for a reason."""
    said = f"{peer!r} stopped: {one_line(goodbye.reason)}"
    return ChannelError(said) if goodbye.again else PeerError(said)


def _control(frame: bytes) -> Head | Goodbye | None:
    try:
        return _CONTROL.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


_CONTROL: msgspec.msgpack.Decoder[Head | Goodbye] = msgspec.msgpack.Decoder(Head | Goodbye)
