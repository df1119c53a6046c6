"""The first trainer: reads windows ahead of training, and asks what rows they need."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Any, Protocol

from numpy.typing import NDArray

from isthmus.paramserver.shards import placement
from isthmus.paramserver.shards.snapshots import Progress
from isthmus.paramserver.spec import Server
from isthmus.paramserver.window import Pull, Window

State = Mapping[str, NDArray[Any]]


class Feeder(Protocol):
    """Makes windows of the data, always the same ones."""

    def next_window(self, number: int) -> Window | None:
        """Make the next window.

        Args:
            number: Its number, one more than that of the window before.

        Returns:
            The window, or None when the data are over, and whenever it is asked again after that.
        """
        ...

    def state(self) -> State:
        """Returns how far it has come, in arrays of numbers that it does not change any more."""
        ...

    def restore(self, state: State) -> None:
        """Go to where it was.

        Args:
            state: What `state` returned, in this process or another.
        """
        ...


@dataclass(frozen=True)
class Round:
    """A window for each worker; the last round may have fewer, or none."""

    windows: Sequence[Window]
    """In the order of the workers."""

    pulls: Sequence[Sequence[Pull]]
    """Of each window, its question to each shard."""

    state: State | None
    """Of the feeder after these windows, if a snapshot is due then."""


class ReadAhead:
    """Rounds from a feeder, read in a thread that is at most `AHEAD` rounds ahead."""

    def __init__(self, feeder: Feeder, server: Server, progress: Progress) -> None:
        """Begin to read.

        Args:
            feeder: Stands where the run stands; nobody else may use it until `close`.
            server: How many windows make a round, and when a snapshot is due.
            progress: How far the run has come: a snapshot, or its begin.
        """
        self._feeder = feeder
        self._server = server
        self._next = progress.windows
        self._rounds = Queue[Round | BaseException | None](AHEAD)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, name="feeder", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Round]:
        """Yield the rounds; there is always a last one whose windows are fewer than the workers."""
        while (found := self._rounds.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found

    def stop(self) -> None:
        """Let the reading end after the window that is just being made; does not wait for that."""
        self._over.set()

    def close(self) -> None:
        """Wait until the reading has ended: from then on the feeder may be used again."""
        self.stop()
        while self._thread.is_alive():
            try:
                self._rounds.get(timeout=0.01)
            except Empty:
                continue

    def _read(self) -> None:
        try:
            for found in self._found():
                self._put(found)
            self._put(None)
        except BaseException as error:  # noqa: BLE001 -- raised again where the rounds are used
            self._put(error)

    def _found(self) -> Iterator[Round]:
        unsaved = 0
        while not self._over.is_set():
            windows = self._windows()
            unsaved += sum(window.samples for window in windows)
            last = len(windows) < self._server.workers
            due = last or unsaved >= self._server.snapshot_every
            unsaved = 0 if due else unsaved
            pulls = [placement.pulls(window, self._server.shards) for window in windows]
            yield Round(windows, pulls, self._feeder.state() if due else None)
            if last:
                return

    def _windows(self) -> Sequence[Window]:
        windows = list[Window]()
        while len(windows) < self._server.workers:
            window = self._feeder.next_window(self._next)
            if window is None:
                break
            windows.append(window)
            self._next += 1
        return windows

    def _put(self, found: Round | BaseException | None) -> None:
        while not self._over.is_set():
            try:
                self._rounds.put(found, timeout=0.1)
            except Full:
                continue
            return


AHEAD = 2
