"""Live progress on standard error: bars on a terminal, a plain line now and then elsewhere."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from isthmus.core.telemetry import Event

Watch = Callable[[str, Event], None]
"""(party, event); several threads may call it."""

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def live() -> Generator[Watch]:
    """Show progress while the block runs.

    Yields:
        Who to tell about each event.
    """
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (
        TextColumn("{task.fields[party]}", markup=False),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[state]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        yield Bars(progress)


class Bars:
    """One bar per party."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, party: str, event: Event) -> None:
        """Move a party's bar."""
        if party not in self._tasks:
            self._tasks[party] = self._progress.add_task("", party=party, state="")
        self._progress.update(
            self._tasks[party],
            description=event.stage,
            completed=event.done if event.total else 0,
            total=event.total or 1,  # None would keep the total of the stage before
            state=state(event),
        )


class Lines:
    """A line when a stage begins or ends, and every few seconds between."""

    def __init__(self) -> None:
        self._last: dict[str, Event] = {}

    def __call__(self, party: str, event: Event) -> None:
        """Print a line if the last one says something else, or is old."""
        last = self._last.get(party)
        goes_on = last and last.stage == event.stage and not event.done == event.total > 0
        if last and goes_on and event.time - last.time < SECONDS_BETWEEN_LINES:
            return
        self._last[party] = event
        words = (f"{party}:" if party else "", event.stage, state(event))
        typer.echo(" ".join(word for word in words if word), err=True)


def state(event: Event) -> str:
    """How far a stage is, in a few words."""
    steps = f"{event.done:,} of {event.total:,}" if event.total else ""
    named = {name: value for name, value in event.metrics.items() if "/" not in name}  # no parts
    metrics = (f"{name.replace('_', ' ')} {value:.4g}" for name, value in named.items())
    return ", ".join(part for part in (steps, *metrics, event.note) if part)
