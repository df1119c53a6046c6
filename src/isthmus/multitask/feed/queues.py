"""Queues of samples, one per task: when a queue is full, its samples are a batch.

A sample goes, in order, into the queue of each task whose label it has. With `joint_when_complete`
one that lacks no label goes into the joint queue instead, whose batches train all towers in one
pass. A label is not lacking where it comes later, or where that of `given` is 0.

With the threshold `label_rate` all queues give about as many batches: the one with the most samples
so far gives batches of `batch_rows`, every other as much fewer as fewer samples went into it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools, Integers
from isthmus.core.errors import SpecError
from isthmus.multitask.feed.sample_arrays import Arrays, cut, none, of_arrays, to_arrays
from isthmus.multitask.feed.stream import Arrivals
from isthmus.multitask.samples import ALL, Samples, concatenate, take
from isthmus.multitask.spec import Multitask, given
from isthmus.paramserver.window import Int64s

JOINT = "joint"
"""Name of the queue of all tasks in reports."""


class QueueReport(msgspec.Struct, frozen=True):
    """The batches of a queue so far."""

    flushes: int
    """Batches that it gave."""

    waited: int
    """Most rows that were read while a sample waited in the queue."""

    trained: int
    """Samples in its batches."""


@dataclass(frozen=True)
class _Flush:
    """The end of a batch in the samples that go into a queue."""

    after: int
    """Twice the number of samples that arrived before, plus one with the last sample itself."""

    end: int
    """Of the samples that go into the queue, the first that is not in the batch."""

    read: int


class Queues:
    """The queues of a job."""

    def __init__(self, spec: Multitask) -> None:
        """Make empty queues.

        Args:
            spec: The `[multitask]` table.

        Raises:
            SpecError: A task has the name of the joint queue.
        """
        joint = spec.queues.joint_when_complete and len(spec.tasks) > 1
        if joint and JOINT in spec.tasks:
            raise SpecError(
                f"`tasks.{JOINT}`: {JOINT} is the name of the queue of samples with all labels. "
                "Give the task another name."
            )
        self._spec = spec
        self._tasks = [*range(len(spec.tasks)), *([ALL] if joint else [])]
        self._queues = [_Queue(spec, name) for name in (*spec.tasks, *([JOINT] if joint else []))]
        self._entered = np.zeros(len(self._tasks), np.int64)  # samples into each queue
        self._given = given(spec)
        self._late = np.array([task.conversions is not None for task in spec.tasks.values()])

    def push(self, arrivals: Arrivals) -> list[tuple[int, Samples]]:
        """Let samples go into their queues.

        Args:
            arrivals: The samples.

        Returns:
            The batches that became full, in the order in which they did, each with its task or ALL.
        """
        entries = self.entries(arrivals.samples)
        thresholds = self._thresholds(entries)
        flushes = list[tuple[int, int, Samples]]()
        for number, queue in enumerate(self._queues):
            places = np.flatnonzero(entries[:, number])
            for after, batch in queue.push(arrivals, places, thresholds[places, number]):
                flushes.append((after, number, batch))
        flushes.sort(key=lambda flush: flush[:2])
        return [(self._tasks[number], batch) for _, number, batch in flushes]

    def end(self, rows: int) -> list[tuple[int, Samples]]:
        """Empty the queues when all has been read.

        Args:
            rows: How many rows have been read.

        Returns:
            A batch for each queue that is not empty, with its task or ALL.
        """
        return [
            (task, queue.flush(rows))
            for task, queue in zip(self._tasks, self._queues, strict=True)
            if queue.fill
        ]

    def entries(self, samples: Samples) -> Bools:
        """Returns which queues each sample goes into, shape (samples, queues)."""
        labelled = ~np.isnan(samples.labels)
        if len(self._tasks) == len(self._spec.tasks):
            return labelled
        lacking = ~labelled & ~self._late
        void = np.zeros_like(labelled)  # labels that mean nothing, as an earlier one is not 1
        for task, earlier in self._given:
            if earlier is not None:
                void[:, task] = void[:, earlier] | (samples.labels[:, earlier] == 0)
        complete: Bools = np.all(~lacking | void, axis=1)
        separate: Bools = labelled & ~complete[:, None]
        return np.concatenate([separate, complete[:, None]], axis=1)

    def reports(self) -> dict[str, QueueReport]:
        """Returns the batches of each queue so far, by name of its task, or JOINT."""
        return {queue.name: queue.report() for queue in self._queues}

    def lengths(self) -> dict[str, int]:
        """Returns how many samples are in each queue, by name of its task, or JOINT."""
        return {queue.name: queue.fill for queue in self._queues}

    def state(self) -> dict[str, NDArray[Any]]:
        """Returns what is in the queues, and what went through them, as arrays."""
        found: dict[str, NDArray[Any]] = {"entered": self._entered.copy()}
        for number, queue in enumerate(self._queues):
            found |= queue.state(f"queue{number}")
        return found

    def restore(self, state: Arrays) -> None:
        """Fill the queues as they were when the state was made."""
        self._entered = state["entered"].copy()
        for number, queue in enumerate(self._queues):
            queue.restore(f"queue{number}", state)

    def _thresholds(self, entries: Bools) -> Integers:
        """Returns how many samples fill each queue when a sample arrives, shape of `entries`."""
        most = self._spec.batch_rows
        counts = self._entered + np.cumsum(entries, axis=0, dtype=np.int64)
        if len(counts):
            self._entered = counts[-1]
        if self._spec.queues.threshold == "fixed" or len(self._queues) == 1:
            return np.full(entries.shape, most)
        greatest = np.maximum(counts.max(axis=1, keepdims=True), 1)
        thresholds: Integers = np.maximum(-(-most * counts // greatest), 1)
        return thresholds


class _Queue:
    """The samples that wait to be a batch of one task."""

    def __init__(self, spec: Multitask, name: str) -> None:
        self.name = name
        self._most = spec.batch_rows
        self._longest = spec.queues.longest_wait
        self._none = none(spec)
        self._parts = list[Samples]()
        self.fill = 0
        self._oldest = 0  # rows that had been read when the first of them arrived
        self._flushes = self._waited = self._trained = 0

    def push(
        self, arrivals: Arrivals, places: NDArray[np.intp], thresholds: Integers
    ) -> list[tuple[int, Samples]]:
        """Take those of the arrivals at some places; returns batches, and after what each is full.

        A batch is full with a sample, or before the sample with which the oldest of it is too old.
        """
        read = arrivals.read[places]
        everything = len(places) == len(arrivals.samples)
        samples = arrivals.samples if everything else take(arrivals.samples, places)
        found, begin = list[tuple[int, Samples]](), 0
        while (end := self._next_flush(arrivals, places, thresholds, begin)) is not None:
            self._put(cut(samples, begin, end.end), read[begin : begin + 1])
            found.append((end.after, self.flush(end.read)))
            begin = end.end
        self._put(cut(samples, begin, len(read)), read[begin : begin + 1])
        return found

    def flush(self, rows: int) -> Samples:
        """Empty the queue; returns its samples."""
        batch = concatenate(self._parts) if len(self._parts) > 1 else self._parts[0]
        self._flushes += 1
        self._trained += self.fill
        self._waited = max(self._waited, rows - self._oldest)
        self._parts, self.fill = [], 0
        return batch

    def report(self) -> QueueReport:
        """Returns what it did so far."""
        return QueueReport(self._flushes, self._waited, self._trained)

    def state(self, name: str) -> dict[str, NDArray[Any]]:
        """Returns its samples and counts as arrays."""
        counts = [self._oldest, self._flushes, self._waited, self._trained]
        found = to_arrays(name, concatenate([self._none, *self._parts]))
        return found | {f"{name}.counts": np.array(counts)}

    def restore(self, name: str, state: Arrays) -> None:
        """Have the samples and counts of a state."""
        samples = of_arrays(name, state, len(self._none.lists))
        counts = cast(Sequence[int], state[f"{name}.counts"].tolist())
        self._oldest, self._flushes, self._waited, self._trained = counts
        self._parts, self.fill = ([samples] if len(samples) else []), len(samples)

    def _put(self, samples: Samples, read: Int64s) -> None:
        if len(samples):
            self._oldest = self._oldest if self.fill else int(read[0])
            self._parts.append(samples)
            self.fill += len(samples)

    def _next_flush(
        self, arrivals: Arrivals, places: NDArray[np.intp], thresholds: Integers, begin: int
    ) -> _Flush | None:
        """Returns the end of the next batch, if it is among the arrivals from `begin` on."""
        if not self.fill and begin == len(places):
            return None
        oldest = self._oldest if self.fill else int(arrivals.read[places[begin]])
        due = oldest + self._longest
        late = int(np.searchsorted(arrivals.read, due)) if due <= arrivals.rows else None
        ahead = thresholds[begin : begin + self._most]
        full = np.flatnonzero(self.fill + np.arange(1, len(ahead) + 1) >= ahead)
        if len(full):
            last = begin + int(full[0])
            if late is None or places[last] < late:
                return _Flush(2 * int(places[last]) + 1, last + 1, int(arrivals.read[places[last]]))
        if late is None:
            return None
        return _Flush(2 * late, int(np.searchsorted(places, late)), due)
