"""The first trainer of S4: reads samples ahead, and makes windows of them for the workers."""

from collections import deque
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.feed.queues import QueueReport, Queues
from isthmus.multitask.feed.sample_arrays import cut, none, of_arrays, to_arrays
from isthmus.multitask.feed.stream import SampleStream
from isthmus.multitask.feed.windows import WindowMaker
from isthmus.multitask.samples import Samples, concatenate
from isthmus.multitask.spec import Multitask
from isthmus.paramserver.window import Window


class WindowFeeder:
    """Makes the windows of a run, one after the other; the same data and job give the same ones."""

    def __init__(self, spec: Multitask, inputs: Inputs) -> None:
        """Prepare to read from the first row.

        Args:
            spec: The `[multitask]` table.
            inputs: What to train on; its `part` is "all" or "trained".

        Raises:
            SpecError: A file cannot be read, or lacks a column.
        """
        self._none = none(spec)
        self._samples = spec.server.exchange_every
        self._stream = SampleStream(spec, inputs)
        self._queues = Queues(spec)
        self._maker = WindowMaker(spec)
        self._batches = deque[tuple[int, Samples]]()  # for the next windows
        self._ended = False  # whether all is in these batches
        self._next = 0

    def next_window(self, number: int) -> Window | None:
        """Make the next window.

        Args:
            number: Its number: one more than that of the last one.

        Returns:
            The window, of as many whole batches as it takes for `exchange_every` samples; None when
            all epochs have been read.

        Raises:
            SpecError: The data are not as the job says.
            ValueError: It is not the number of the next window.
        """
        if number != self._next:
            raise ValueError(f"window {number} was asked for, but {self._next} is the next one")
        batches, held = list[tuple[int, Samples]](), 0
        while held < self._samples and self._read_batch():
            batches.append(self._batches.popleft())
            held += len(batches[-1][1])
        if not batches:
            return None
        self._next += 1
        return self._maker.make(number, batches)

    def state(self) -> dict[str, NDArray[Any]]:
        """Returns all that the next windows depend on, besides the files; copies, as arrays."""
        waiting = [samples for _, samples in self._batches]
        found: dict[str, NDArray[Any]] = {
            "feeder": np.array([self._next, self._ended]),
            "batches.task": np.array([task for task, _ in self._batches], np.int64),
            "batches.samples": np.array([len(samples) for samples in waiting], np.int64),
        }
        found |= to_arrays("batches", concatenate([self._none, *waiting]))
        return found | self._stream.state() | self._queues.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on where another feeder of the same job returned its state.

        Args:
            state: The result of `state`.

        Raises:
            SpecError: A file has changed since.
        """
        self._stream.restore(state)
        self._queues.restore(state)
        self._next, self._ended = int(state["feeder"][0]), bool(state["feeder"][1])
        samples = of_arrays("batches", state, len(self._none.lists))
        ends = np.cumsum([0, *state["batches.samples"].tolist()]).tolist()
        parts = (cut(samples, begin, end) for begin, end in pairwise(ends))
        self._batches = deque(zip(state["batches.task"].tolist(), parts, strict=True))

    def reports(self) -> dict[str, QueueReport]:
        """Returns the batches of each queue so far, by name of its task; "joint" for all tasks."""
        return self._queues.reports()

    def lengths(self) -> dict[str, int]:
        """Returns how many samples are in each queue, named likewise."""
        return self._queues.lengths()

    @property
    def trained(self) -> int:
        """How many rows of the first epoch have a label and are trained on."""
        return self._stream.trained

    @property
    def waiting(self) -> int:
        """How many samples wait for a late label."""
        return self._stream.waiting

    def _read_batch(self) -> bool:
        """Read until there is a batch; returns whether there is one."""
        while not self._batches and not self._ended:
            arrivals = self._stream.next()
            if arrivals is None:
                self._batches.extend(self._queues.end(self._stream.rows))
                self._ended = True
            else:
                self._batches.extend(self._queues.push(arrivals))
        return bool(self._batches)
