"""Rows of a data set with their labels: encoded, and joined with the conversions of each task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data.batches import Block, BlockReader, Place, column_names
from isthmus.data.kinds import Kind
from isthmus.multitask import negatives
from isthmus.multitask.feed import cells
from isthmus.multitask.feed.attribution import Attribution, Delays
from isthmus.multitask.feed.cells import Column
from isthmus.multitask.feed.features import Encoder
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.samples import Samples
from isthmus.multitask.spec import Multitask, Task
from isthmus.paramserver.window import Bools


@dataclass(frozen=True)
class JoinedBlock:
    """Samples of a block with their final labels."""

    samples: Samples
    delays: dict[int, Delays]
    """Of each task with conversions, by its number."""

    extra: dict[str, Floats]
    """The columns of amounts that were asked for besides."""

    block: Block


class Joiner:
    """Reads samples with their final labels."""

    def __init__(self, spec: Multitask, inputs: Inputs, extra: Sequence[str] = ()) -> None:
        """Find files and columns.

        Args:
            spec: The `[multitask]` table.
            inputs: What to read.
            extra: Columns of amounts to read besides.

        Raises:
            SpecError: A file cannot be read, or lacks a column.
        """
        names = column_names(inputs.dataset, inputs.folder)
        late = {
            name: task
            for name, task in spec.tasks.items()
            if task.conversions and _has_moments(task, names)
        }
        absent = {name for name, task in late.items() if names is None or task.label not in names}
        self._encoder = Encoder(spec, absent=absent)
        self._extra = tuple(extra)
        columns: dict[str, Kind] = dict.fromkeys(extra, "number")
        self.attributions = dict[int, Attribution]()
        for number, (name, task) in enumerate(spec.tasks.items()):
            if name in late and task.conversions:
                columns |= {task.conversions.key: "any", task.conversions.time: "time"}
                dataset = inputs.conversions[task.conversions.dataset]
                self.attributions[number] = Attribution(task.conversions, dataset, inputs.folder)
        columns |= self._encoder.columns
        self._inputs = inputs
        self.reader = BlockReader(inputs.dataset, inputs.folder, columns)

    def read(self, start: Place | None = None) -> Iterator[JoinedBlock]:
        """Read block by block.

        Args:
            start: Where to begin; the attributions stand there.

        Yields:
            The samples of each block, those of every part.

        Raises:
            SpecError: The data are not as the job says.
        """
        for block in self.reader.blocks(start):
            where = block.where
            samples = self._encoder.encode(block.rows, block.place.total, where)
            delays = {task: each.join(block) for task, each in self.attributions.items()}
            for task, delay in delays.items():
                _set_final(samples, task, delay)
            self._encoder.restrict(samples)
            extra = {
                name: cells.amounts(Column(block.rows.column(name), name, where))
                for name in self._extra
            }
            yield JoinedBlock(samples, delays, extra, block)

    def chosen(self, samples: Samples) -> Bools:
        """Returns which samples belong to the part of the data that is read."""
        if self._inputs.part == "all" or not self._inputs.kept_out:
            return np.full(len(samples), self._inputs.part != "kept_out")
        out = negatives.is_kept_out(samples.position, self._inputs.kept_out, self._inputs.seed)
        return out if self._inputs.part == "kept_out" else ~out


def _set_final(samples: Samples, task: int, delay: Delays) -> None:
    """Label those that convert 1 and all others 0; a 1 in the data set itself is known at once."""
    labels = samples.labels[:, task]
    at_once = labels == 1
    labels[:] = at_once | delay.converted
    delay.until[at_once] = delay.clock[at_once]


def _has_moments(task: Task, names: frozenset[str] | None) -> bool:
    found = task.conversions
    return found is not None and (names is None or {found.key, found.time} <= names)


def check_conversions(spec: Multitask, inputs: Inputs) -> None:
    """Refuse samples that cannot be joined with the conversions of a task.

    Args:
        spec: The `[multitask]` table.
        inputs: The samples.

    Raises:
        SpecError: They lack the column of the key or of the time, or there is no such data set.
    """
    names = column_names(inputs.dataset, inputs.folder)
    for name, task in spec.tasks.items():
        found = task.conversions
        if found is None:
            continue
        if found.dataset not in inputs.conversions:
            raise SpecError(
                f"`tasks.{name}.conversions.dataset` is {found.dataset!r}: add a table "
                f"[datasets.{found.dataset}]."
            )
        missing = (
            [] if names is None else [each for each in (found.key, found.time) if each not in names]
        )
        if missing:
            raise SpecError(
                f"{inputs.dataset.resolve(inputs.folder)}: task {name!r} joins its conversions by "
                f"{found.key!r} and {found.time!r}, but there is no column {missing[0]!r}. Correct "
                f"`tasks.{name}.conversions`, or the file."
            )
