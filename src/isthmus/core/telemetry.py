"""Telemetry of a running role to its own party: progress, metrics and timings."""

import time
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager

import msgspec


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a party's own event log; never sent to a peer."""

    stage: str
    done: int = 0
    total: int = 0  # 0: not known
    note: str = ""
    metrics: dict[str, float] = {}
    time: float = 0.0


Sink = Callable[[Event], None]


def silent(event: Event) -> None:
    """Ignore the event: the default sink."""


class Telemetry:
    """Sends events to one sink, and adds up seconds by name."""

    def __init__(self, sink: Sink = silent) -> None:
        self._sink = sink
        self.seconds: dict[str, float] = defaultdict(float)

    def progress(
        self, stage: str, done: int = 0, total: int = 0, *, note: str = "", **metrics: float
    ) -> None:
        """Send an event about the progress of a stage.

        Args:
            stage: Name of the stage, for example `"align"`.
            done: Steps done.
            total: Number of steps in all; 0 if not known.
            note: One short sentence for the user.
            **metrics: Numbers to plot, for example `loss`. Never a row of data.
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
