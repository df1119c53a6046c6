"""The first trainer of S4: reads samples ahead, and makes windows of them for the workers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from isthmus.core.arrays import Floats
from isthmus.multitask.inputs import Inputs
from isthmus.multitask.queues import QueueReport
from isthmus.multitask.samples import Samples
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
        raise NotImplementedError

    def next_window(self, number: int) -> Window | None:
        """Make the next window.

        Args:
            number: Its number: one more than that of the last one.

        Returns:
            The window; None when all epochs have been read.

        Raises:
            SpecError: The data are not as the job says.
        """
        raise NotImplementedError

    def state(self) -> dict[str, NDArray[Any]]:
        """Returns all that the next windows depend on, besides the files: no view, only copies."""
        raise NotImplementedError

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on where another feeder of the same job returned its state.

        Args:
            state: The result of `state`.

        Raises:
            SpecError: A file has changed since.
        """
        raise NotImplementedError

    def reports(self) -> dict[str, QueueReport]:
        """Returns what each queue did so far, by name of its task; "joint" for all tasks."""
        raise NotImplementedError


@dataclass(frozen=True)
class FinalBlock:
    """Samples whose labels are final."""

    samples: Samples
    extra: Mapping[str, Floats]
    """The columns of amounts that were asked for besides, by name; NaN where a cell is empty."""


def read_final(spec: Multitask, inputs: Inputs, extra: Sequence[str] = ()) -> Iterator[FinalBlock]:
    """Read samples with their final labels, block by block: to test on, and to compare models with.

    Args:
        spec: The `[multitask]` table.
        inputs: What to read. Conversions within the window are joined if the data set has the
            columns of key and time; otherwise labels are those in its own column.
        extra: Columns to return besides, such as the known probabilities of tasks.

    Yields:
        Blocks of up to 8192 rows, in the order of the data.

    Raises:
        SpecError: The data are not as the job says.
    """
    raise NotImplementedError


def read_unlabelled(spec: Multitask, inputs: Inputs) -> Iterator[Samples]:
    """Read samples to predict: their data set needs the columns of features alone.

    Args:
        spec: The `[multitask]` table.
        inputs: What to read.

    Yields:
        Blocks of up to 8192 rows, in the order of the data; all labels are missing.

    Raises:
        SpecError: The data are not as the job says.
    """
    raise NotImplementedError
