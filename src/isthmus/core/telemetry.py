"""What a running role tells its own side: progress, metrics and where the time went."""

import time
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager

import msgspec


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a party's own event log; never sent to a peer."""

    stage: str
    done: int = 0
    total: int = 0  # 0 = not known
    note: str = ""
    metrics: dict[str, float] = {}
    time: float = 0.0


Sink = Callable[[Event], None]


def silent(event: Event) -> None:
    """Drop the event: the sink of tests and of callers who do not watch."""


class Telemetry:
    """Progress goes to one sink; seconds add up by name."""

    def __init__(self, sink: Sink = silent) -> None:
        self._sink = sink
        self.seconds: dict[str, float] = defaultdict(float)

    def progress(
        self, stage: str, done: int = 0, total: int = 0, *, note: str = "", **metrics: float
    ) -> None:
        """Tell the sink how far a stage is.

        Args:
            stage: Name of the stage, for example `"align"`.
            done: Steps done.
            total: Steps in all, or 0 when nobody knows.
            note: One short sentence for the person who watches.
            **metrics: Numbers worth a curve, for example `loss`. Never a row of data.
        """
        self._sink(Event(stage, done, total, note, metrics, time.time()))

    @contextmanager
    def timed(self, name: str) -> Generator[None]:
        """Add the wall seconds of the block to `seconds[name]`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start
