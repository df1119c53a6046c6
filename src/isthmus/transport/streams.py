"""A channel over two byte streams, such as the pipes of a subprocess: length, then frame.

One thread reads and one writes, so that neither end blocks the other.
"""

import threading
from contextlib import suppress
from typing import IO

from isthmus.core.errors import IsthmusError, PeerError
from isthmus.transport.framing import CHUNK, FramedChannel
from isthmus.transport.pipe import Pipe

_LENGTH_BYTES = 4
_LINGER = 1.0


class StreamChannel(FramedChannel):
    """A `Channel` over a stream to read and a stream to write; it owns and closes both."""

    def __init__(
        self, peer: str, incoming: IO[bytes], outgoing: IO[bytes], patience: float
    ) -> None:
        frames = Pipe()
        super().__init__(peer, Pipe(), frames, patience)
        self._broken_by: BaseException | None = None
        threading.Thread(target=self._read, args=(incoming,), daemon=True).start()
        self._writer = threading.Thread(target=self._write, args=(frames, outgoing), daemon=True)
        self._writer.start()

    def close(self, reason: str = "", *, again: bool = False) -> None:
        """Send a goodbye and close; waits at most a second until everything is written.

        Args:
            reason: One sentence for the peer, empty if the role has finished. It leaves this
                party: no data in it.
            again: Whether it passes, so that the peer is told to run the same command again.
        """
        super().close(reason, again=again)
        self._writer.join(_LINGER)

    def _read(self, stream: IO[bytes]) -> None:
        try:
            with stream:
                self._read_frames(stream)
        except (OSError, MemoryError) as error:
            self._broken_by = error
        finally:
            self._incoming.end()
            self._outgoing.end()

    def _read_frames(self, stream: IO[bytes]) -> None:
        while len(head := stream.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
            size = int.from_bytes(head)
            if size > CHUNK:
                self._broken_by = self._not_a_frame(head)
                return
            frame = stream.read(size)
            if len(frame) < size:
                return
            with suppress(EOFError):  # we have closed: let the other end finish
                self._incoming.put(frame)

    def _write(self, frames: Pipe, stream: IO[bytes]) -> None:
        with suppress(OSError), stream:  # the reading thread notices a broken connection too
            for frame in frames:
                stream.write(len(frame).to_bytes(_LENGTH_BYTES))
                stream.write(frame)
                stream.flush()
        self._outgoing.end()

    def _cut_off(self) -> IsthmusError:
        match self._broken_by:
            case MemoryError():
                raise self._broken_by
            case IsthmusError():
                return self._broken_by
            case _:
                return super()._cut_off()

    def _not_a_frame(self, head: bytes) -> IsthmusError:
        return PeerError(f"{self._peer!r} sent {head!r}... where the length of a frame was due.")
