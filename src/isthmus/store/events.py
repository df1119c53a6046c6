"""The event log of a run: written while it runs, and followed by those who watch it."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

import msgspec

from isthmus.core.broken import fault
from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.core.telemetry import Event
from isthmus.store import atomic
from isthmus.store.encoding import to_json


class EventLog:
    """A telemetry sink that appends each event to a file as one line of JSON."""

    def __init__(self, path: Path) -> None:
        with disk_full_is_error(path):
            path.touch(mode=0o600)
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __call__(self, event: Event) -> None:
        """Append one event, without metrics that are not finite.

        Args:
            event: The event.

        Raises:
            DiskError: The disk is full.
        """
        atomic.append(self._file, to_json(finite(event)) + b"\n")


def finite(event: Event) -> Event:
    """The event without metrics that are not finite: JSON has no word for them."""
    metrics = {name: value for name, value in event.metrics.items() if math.isfinite(value)}
    return msgspec.structs.replace(event, metrics=metrics)


def latest(found: Iterable[Event], stage: str) -> list[Event]:
    """Returns the events of a stage that have metrics, without those that it has gone back behind.

    A run that was stopped and went on has done some of a stage twice: the later events count.

    Args:
        found: The events of the run, in order.
        stage: Name of the stage.

    Returns:
        One event at most for each number that was done.
    """
    kept = list[Event]()
    for event in found:
        if event.stage == stage and event.metrics:
            while kept and kept[-1].done >= event.done:
                kept.pop()
            kept.append(event)
    return kept


def follow(
    path: Path, finished: Callable[[], bool] = lambda: True, pause: float = 0.2
) -> Iterator[Event]:
    """Read an event log, and wait for more until the run has finished.

    Args:
        path: The file; it may not exist yet.
        finished: Returns whether the run has finished. By default the log is read once.
        pause: Seconds between two reads.

    Yields:
        The events in order.

    Raises:
        SpecError: A line is not an event.
    """
    position = 0
    while True:
        last_read = finished()  # asked before reading, so that no event is missed
        lines, position = _lines_after(path, position)
        for line in lines:
            yield _parse(path, line)
        if last_read:
            return
        time.sleep(pause)


def _lines_after(path: Path, position: int) -> tuple[list[bytes], int]:
    """Returns the complete lines after a position, and the position after them."""
    if not path.exists():
        return [], position
    with path.open("rb") as file:
        file.seek(position)
        text = file.read()
    text = text[: text.rfind(b"\n") + 1]
    return text.splitlines(), position + len(text)


def _parse(path: Path, line: bytes) -> Event:
    try:
        return msgspec.json.decode(line, type=Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SpecError(
            f"{path}: is not an event log: {fault(error)}. Give the events.jsonl of a run."
        ) from None
