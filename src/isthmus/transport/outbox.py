"""Frames on their way to a peer, each kept until the peer has it: they outlive a connection."""

import threading
from collections import deque
from typing import NamedTuple

WAITING = 16
"""Frames that wait for the connection at most; then `put` blocks."""

KEPT_BYTES = 64 * 2**20
"""Bytes that are kept at most, sent or not, until the peer acknowledges some; then `put` blocks."""

TICK = 1.0
"""Seconds without a frame after which the peer is sent an acknowledgement alone."""

_FRAME_BYTES = 100  # that a small frame takes at least, in memory


class NextFrame(NamedTuple):
    """What the current connection sends next."""

    frame: bytes
    """Empty: an acknowledgement alone."""

    last: bool
    """Whether nothing follows."""


class Outbox:
    """Bounded FIFO queue whose frames can be taken again, from where the peer has them.

    Connections are numbered upwards, and one at a time takes frames.
    """

    def __init__(self) -> None:
        self._kept: deque[bytes] = deque()
        self._acknowledged = 0  # number of frames that the peer has
        self._taken = 0  # number of frames that the current connection was given, or the peer has
        self._bytes = 0
        self._connection = 0
        self._ended = False
        self._last = False
        self._over = False
        self._taker_waits = False
        self._nudged = False
        self._changed = threading.Condition()

    def put(self, frame: bytes, patience: float | None = None) -> None:
        """Add a frame; wait while too many are on their way.

        Args:
            frame: The frame.
            patience: Seconds to wait; None waits without limit.

        Raises:
            EOFError: The outbox has ended.
            TimeoutError: There was no room for too long.
        """
        with self._changed:
            if not self._changed.wait_for(self._has_room_or_ended, patience):
                raise TimeoutError
            if self._ended:
                raise EOFError
            self._add(frame)

    def end(self, last: bytes | None = None) -> None:
        """Take no more frames, after an optional last one; those that are kept still arrive."""
        with self._changed:
            if last is not None and not self._ended:
                self._last = True
                self._add(last)
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """End, and give nothing to any connection any more."""
        with self._changed:
            self._ended = self._over = True
            self._kept.clear()
            self._changed.notify_all()

    def drain(self, patience: float | None = None) -> None:
        """Wait until the current connection has taken all frames, and waits for the next.

        Args:
            patience: Seconds to wait; None waits without limit.

        Raises:
            TimeoutError: It took too long.
        """
        with self._changed:
            if not self._changed.wait_for(self._is_drained_or_ended, patience):
                raise TimeoutError

    def resume(self, connection: int, count: int) -> None:
        """Let a new connection take frames, from the first one that the peer does not have.

        Args:
            connection: Its number.
            count: Number of frames that the peer has.

        Raises:
            ValueError: The peer cannot have that many frames, or has had more before.
        """
        with self._changed:
            self._drop(count, self._acknowledged + len(self._kept))
            self._taken = count
            self._connection = connection
            self._changed.notify_all()

    def pause(self, connection: int) -> None:
        """Give nothing more to a connection."""
        with self._changed:
            if self._connection == connection:
                self._connection = 0
            self._changed.notify_all()

    def acknowledge(self, count: int) -> bool:
        """Forget frames that the peer has.

        Args:
            count: Number of frames that it has.

        Returns:
            Whether it has the last one.

        Raises:
            ValueError: It cannot have that many frames, or has had more before.
        """
        with self._changed:
            self._drop(count, self._taken)
            return self._last and not self._kept

    @property
    def acknowledged(self) -> int:
        """Number of frames that the peer has."""
        return self._acknowledged

    def nudge(self) -> None:
        """Have the current connection send an acknowledgement now."""
        with self._changed:
            self._nudged = True
            self._changed.notify_all()

    def take(self, connection: int) -> NextFrame | None:
        """Take what a connection sends next; wait a second for it.

        Args:
            connection: The number of the connection.

        Returns:
            A frame, or an acknowledgement alone; None if the connection has been replaced.
        """
        with self._changed:
            self._taker_waits = connection == self._connection
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_due(connection), TICK)
            if connection < self._connection or self._over:
                return None
            self._taker_waits = self._nudged = False
            if connection != self._connection or not self._has_frame():
                return NextFrame(b"", last=False)
            frame = self._kept[self._taken - self._acknowledged]
            self._taken += 1
            self._changed.notify_all()
            return NextFrame(frame, last=self._last and not self._has_frame())

    def _add(self, frame: bytes) -> None:
        self._kept.append(frame)
        self._bytes += _cost(frame)
        self._changed.notify_all()

    def _drop(self, count: int, most: int) -> None:
        if not self._acknowledged <= count <= most:
            raise ValueError(f"{count} frames of {most}, {self._acknowledged} before")
        was_full = self._bytes >= KEPT_BYTES
        while self._acknowledged < count:
            self._acknowledged += 1
            self._bytes -= _cost(self._kept.popleft())
        if was_full:  # only then somebody waits for this
            self._changed.notify_all()

    def _has_frame(self) -> bool:
        return self._waiting() > 0

    def _waiting(self) -> int:
        return self._acknowledged + len(self._kept) - self._taken

    def _is_due(self, connection: int) -> bool:
        if connection < self._connection or self._over:
            return True
        return connection == self._connection and (self._has_frame() or self._nudged)

    def _has_room_or_ended(self) -> bool:
        return self._ended or (self._waiting() < WAITING and self._bytes < KEPT_BYTES)

    def _is_drained_or_ended(self) -> bool:
        return self._ended or (self._taker_waits and not self._has_frame())


def _cost(frame: bytes) -> int:
    return max(len(frame), _FRAME_BYTES)
