"""A bounded queue of frames between two threads."""

import threading
from collections import deque
from collections.abc import Iterator


class Pipe:
    """Bounded FIFO queue. `put` blocks when full; either end may close it with `end`."""

    def __init__(self, limit: int = 16) -> None:
        self._limit = limit
        self._frames: deque[bytes] = deque()
        self._ended = False
        self._reader_waits = False
        self._changed = threading.Condition()

    def put(self, frame: bytes, patience: float | None = None) -> None:
        """Add a frame; wait while the queue is full.

        Args:
            frame: The frame.
            patience: Seconds to wait; None waits without limit.

        Raises:
            EOFError: The pipe has ended.
            TimeoutError: The queue was full for too long.
        """
        with self._changed:
            if not self._changed.wait_for(self._has_room_or_ended, patience):
                raise TimeoutError
            if self._ended:
                raise EOFError
            self._frames.append(frame)
            self._changed.notify_all()

    def get(self, patience: float | None = None) -> bytes:
        """Take the oldest frame; wait while the queue is empty.

        Args:
            patience: Seconds to wait; None waits without limit.

        Returns:
            The frame.

        Raises:
            EOFError: The pipe has ended and is empty.
            TimeoutError: The queue was empty for too long.
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

    def wait(self, patience: float | None = None) -> bool:
        """Wait until `get` would return or raise at once; False if it still would wait."""
        with self._changed:
            return self._changed.wait_for(self._has_frame_or_ended, patience)

    def drain(self, patience: float | None = None) -> None:
        """Wait until the reader has taken all frames, and waits for the next.

        Args:
            patience: Seconds to wait; None waits without limit.

        Raises:
            TimeoutError: The reader took too long.
        """
        with self._changed:
            if not self._changed.wait_for(self._is_done_or_ended, patience):
                raise TimeoutError

    def end(self, last: bytes | None = None) -> None:
        """Close the pipe, after an optional last frame that is added even if the queue is full."""
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
