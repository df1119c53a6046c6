"""The samples of a run in the order in which they are trained on, over all epochs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.core.errors import SpecError
from isthmus.data.batches import Place
from isthmus.data.formats import is_pipe
from isthmus.multitask import negatives
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.feed.joining import JoinedBlock, Joiner, check_conversions
from isthmus.multitask.feed.late import Arrived, LateLabels
from isthmus.multitask.feed.sample_arrays import Arrays, none
from isthmus.multitask.samples import Samples, concatenate, take
from isthmus.multitask.spec import Multitask
from isthmus.paramserver.window import Bools, Int64s


@dataclass(frozen=True)
class Arrivals:
    """Samples in the order in which they are trained on."""

    samples: Samples
    read: Int64s
    """How many rows had been read when each arrived, rising, shape (samples,)."""

    rows: int
    """How many rows have been read by now."""


class SampleStream:
    """Reads the samples of all epochs."""

    def __init__(self, spec: Multitask, inputs: Inputs) -> None:
        """Prepare to read from the first row.

        Args:
            spec: The `[multitask]` table.
            inputs: What to train on.

        Raises:
            SpecError: A file cannot be read, or lacks a column; or a pipe is to be read twice.
        """
        if spec.epochs > 1 and is_pipe(inputs.dataset.resolve(inputs.folder)):
            raise SpecError(
                f"the standard input can be read once, but `epochs` is {spec.epochs}. Set it to 1, "
                "or give a file."
            )
        check_conversions(spec, inputs)
        self._spec = spec
        self._seed = inputs.seed
        self._joiner = Joiner(spec, inputs)
        self._files = self._joiner.reader.fingerprint()
        self._late = LateLabels(spec)
        self._place = Place()
        self._epoch = 0
        self._read = 0
        self._trained = 0  # rows of the first epoch
        self._labels = np.zeros(len(spec.tasks), np.int64)  # of each task, of this epoch
        self._blocks: Iterator[JoinedBlock] = self._joiner.read()

    @property
    def trained(self) -> int:
        """How many rows of the first epoch have a label and are trained on."""
        return self._trained

    @property
    def rows(self) -> int:
        """How many rows have been read."""
        return self._read

    @property
    def waiting(self) -> int:
        """How many samples wait for a late label."""
        return len(self._late)

    def next(self) -> Arrivals | None:
        """Read a block.

        Returns:
            The samples that arrive with it, maybe none; None when all epochs have been read.

        Raises:
            SpecError: The data are not as the job says, or a task has no label in all of them.
        """
        if self._epoch == self._spec.epochs:
            return None
        joined = next(self._blocks, None)
        if joined is None:
            return self._end_epoch()
        return self._arrivals(joined)

    def state(self) -> dict[str, NDArray[Any]]:
        """Returns where reading stands, and the samples that wait."""
        place = self._place
        found: dict[str, NDArray[Any]] = {
            "files": self._files,
            "read": np.array(
                [place.file, place.row, place.total, self._epoch, self._read, self._trained]
            ),
            "labels": self._labels.copy(),
        }
        for task, attribution in self._joiner.attributions.items():
            found |= attribution.state(f"conversions{task}")
        return found | self._late.state()

    def restore(self, state: Arrays) -> None:
        """Go on where reading stood.

        Args:
            state: The result of `state`, and other arrays.

        Raises:
            SpecError: A file has changed since.
        """
        self._joiner.reader.check_unchanged(state["files"])
        file, row, total, self._epoch, self._read, self._trained = state["read"].tolist()
        self._place = Place(file, row, total)
        self._labels = state["labels"].copy()
        for task, attribution in self._joiner.attributions.items():
            attribution.restore(f"conversions{task}", state)
        self._late.restore(state)
        self._blocks = self._joiner.read(self._place)

    def _arrivals(self, joined: JoinedBlock) -> Arrivals:
        before, count = self._read, len(joined.samples)
        chosen = self._joiner.chosen(joined.samples) & negatives.is_trained(
            joined.samples, self._spec.negatives, self._seed, self._epoch
        )
        rows = np.flatnonzero(chosen)
        samples = joined.samples if len(rows) == count else take(joined.samples, rows)
        labelled = ~np.isnan(samples.labels)
        self._labels += np.count_nonzero(labelled, axis=0)
        if self._epoch == 0:
            self._trained += int(np.count_nonzero(labelled.any(axis=1)))
        negatives.weigh(self._spec, samples)
        first = Arrived(samples, rows)
        others = self._late.exchange(first, joined.delays, before)
        self._read, self._place = before + count, joined.block.next
        found, step = _merged([first, *others])
        return Arrivals(found, before + step, self._read)

    def _end_epoch(self) -> Arrivals:
        """Let arrive all that waits, and go back to the first row."""
        if self._epoch == 0:
            self._check_labels()
        told = {task: each.told for task, each in self._joiner.attributions.items()}
        samples = concatenate([none(self._spec), *self._late.end(told)])
        self._epoch += 1
        self._labels[:] = 0
        self._place = Place()
        if self._epoch < self._spec.epochs:
            for attribution in self._joiner.attributions.values():
                attribution.begin()
            self._blocks = self._joiner.read()
        return Arrivals(samples, np.full(len(samples), self._read), self._read)

    def _check_labels(self) -> None:
        for (name, task), labels in zip(self._spec.tasks.items(), self._labels, strict=True):
            if not labels:
                reason = f", or {task.given!r} is never 1" if task.given else ""
                raise SpecError(
                    f"task {name!r} never has a label: column {task.label!r} is empty in all of "
                    f"the {self._place.total} rows{reason}. Correct the file, or take the task "
                    "out."
                )


def _merged(arrived: list[Arrived]) -> tuple[Samples, Int64s]:
    """Put samples in order, leave out those without any label; returns the row of each, too."""
    step = np.concatenate([each.step for each in arrived])
    samples = concatenate([each.samples for each in arrived])
    labelled: Bools = np.any(~np.isnan(samples.labels), axis=1)
    if len(step) > len(arrived[0].step):
        order = np.argsort(step, kind="stable")
        order = order[labelled[order]]
    elif labelled.all():
        return arrived[0].samples, step
    else:
        order = np.flatnonzero(labelled)
    return take(samples, order), step[order]
