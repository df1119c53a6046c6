"""A bounded line of frames between two threads."""

import threading
from collections import deque
from collections.abc import Iterator


class Pipe:
    """First in, first out; whoever is too fast waits, and either side can end it."""

    def __init__(self, limit: int = 16) -> None:
        self._limit = limit
        self._frames: deque[bytes] = deque()
        self._ended = False
        self._reader_waits = False
        self._changed = threading.Condition()

    def put(self, frame: bytes, patience: float | None = None) -> None:
        """Add a frame, once there is room for it.

        Args:
            frame: What to add.
            patience: Seconds to wait for room; None waits for as long as it takes.

        Raises:
            EOFError: The pipe has ended.
            TimeoutError: There was no room in time.
        """
        with self._changed:
            if not self._changed.wait_for(self._has_room_or_ended, patience):
                raise TimeoutError
            if self._ended:
                raise EOFError
            self._frames.append(frame)
            self._changed.notify_all()

    def get(self, patience: float | None = None) -> bytes:
        """Take the oldest frame, once there is one.

        Args:
            patience: Seconds to wait for it; None waits for as long as it takes.

        Returns:
            The frame.

        Raises:
            EOFError: The pipe has ended, and all that was in it is taken.
            TimeoutError: Nothing came in time.
        """
        with self._changed:
            self._reader_waits = True
            self._changed.notify_all()
            if not self._changed.wait_for(self._has_frame_or_ended, patience):
                raise TimeoutError
            if not self._frames:
                raise EOFError
            self._reader_waits = False
            self._changed.notify_all()
            return self._frames.popleft()

    def drain(self, patience: float | None = None) -> None:
        """Wait until the reader is done with all that was put, and asks for more.

        Args:
            patience: Seconds to wait for it; None waits for as long as it takes.

        Raises:
            TimeoutError: The reader was not done in time.
        """
        with self._changed:
            if not self._changed.wait_for(self._is_done_or_ended, patience):
                raise TimeoutError

    def end(self, last: bytes | None = None) -> None:
        """Let nothing in any more, after an optional last frame that needs no room."""
        with self._changed:
            if last is not None and not self._ended:
                self._frames.append(last)
            self._ended = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                yield self.get()
            except EOFError:
                return

    def _has_room_or_ended(self) -> bool:
        return self._ended or len(self._frames) < self._limit

    def _is_done_or_ended(self) -> bool:
        return self._ended or (self._reader_waits and not self._frames)

    def _has_frame_or_ended(self) -> bool:
        return self._ended or bool(self._frames)
