"""The workers of a party, by number, and the lines to them.

Rows are cut into blocks, and block k belongs to worker k modulo their number, at either party. With
as many workers at both, worker i of one computes on the rows of worker i of the other. Messages and
results depend on the blocks only, so the parties may have different numbers of workers.
"""

from itertools import count
from typing import Protocol

MOST_ATTEMPTS = 3
"""Times that a worker is started for one task, if it dies of it."""

NUMBERS = count()
"""Of shards and keys in workers: one series for a process."""


class Line(Protocol):
    """Our end of the line to a worker; another worker has another one."""

    def send(self, data: bytes) -> None:
        """Send a task; WorkerDiedError if the worker has ended."""
        ...

    def receive(self) -> bytes:
        """Wait for an answer; WorkerDiedError if the worker has ended."""
        ...


class Workers(Protocol):
    """All workers of a party. One thread of the party uses them at a time."""

    @property
    def count(self) -> int:
        """Number of workers."""
        ...

    def line(self, number: int) -> Line:
        """Returns the line to a worker, which is started if there is none."""
        ...

    def drop(self, number: int) -> None:
        """Give up a worker that died: `line` starts another one."""
        ...
