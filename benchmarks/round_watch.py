"""When the rounds of a job end, and the CPU seconds that all its parties have spent until then."""

import resource
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import psutil

from isthmus.core.telemetry import Event

_LOOK = 0.05  # seconds between two looks at CPU seconds; one takes 1.5 ms


@dataclass
class RoundWatch:
    """Notes when rounds end, and looks at the CPU seconds of the parties all the time.

    Events come up to a fifth of a second late, in which a tree may have grown: what was spent when
    a round ended is found between two looks.
    """

    party: str
    """Whose rounds."""

    ended: list[float] = field(default_factory=list[float])
    """When each round ended, in seconds since 1970."""

    _looks: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    def __call__(self, party: str, event: Event) -> None:
        """Take an event of a party."""
        if party == self.party and event.stage == "train" and event.metrics:
            self.ended.append(event.time)

    def cpu(self, at: float) -> float:
        """CPU seconds that were spent until then."""
        times, spent = zip(*self._looks, strict=True)
        return float(np.interp(at, times, spent))

    @contextmanager
    def looking(self) -> Generator[None]:
        """Look until the block ends.

        Yields:
            Nothing.
        """
        over = threading.Event()

        def look() -> None:
            while not over.wait(_LOOK):
                self._looks.append((time.time(), children_cpu()))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def children_cpu() -> float:
    """Returns the CPU seconds of all parties, and of all processes that they started.

    A process that has ended is counted by the one that waited for it, and so are its own.
    """
    while True:
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            running = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
        except psutil.NoSuchProcess:
            continue  # one ended meanwhile: look again, as its seconds are now another's
        spent = [float(sum(each[:4])) for each in running]  # user and system, its own and theirs
        return ended.ru_utime + ended.ru_stime + sum(spent)
