"""A party of a joint regression that notes where it was: a process of its own.

`python -m benchmarks.regression_party FILE PROTECTION ARGUMENT ...` does what `isthmus ARGUMENT
...` does, and leaves its marks in FILE. With the protection "clear", residuals cross as they are,
in the messages of the same rounds, and sums need not cross.
"""

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import msgspec
import numpy as np
import psutil

from benchmarks.cost import peak_memory
from isthmus.cli.main import main as isthmus
from isthmus.core.arrays import Integers
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.crypto.radix import Quantised
from isthmus.transport.channel import Channel
from isthmus.vertical.regression.encrypted import active_problem, passive
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.products.column_side import ColumnSide
from isthmus.vertical.regression.products.messages import EncryptedValues
from isthmus.vertical.regression.products.scheme import Bounds
from isthmus.vertical.regression.products.value_side import ValueSide

Kind = Literal["ready", "told", "kept"]
"""A mark is made before products are set up, when progress is told, and after a round is kept."""

Protection = Literal["asked", "clear"]
"""What the job asks for, or none."""


class Mark(msgspec.Struct, frozen=True):
    """Where the process of a party was."""

    kind: Kind

    time: float
    """Seconds of a clock that all processes of this machine share."""

    cpu: float
    """CPU seconds spent until then, those of worker processes included."""

    memory: int
    """Most bytes that the process ever had until then, workers not included."""


class Course(msgspec.Struct, frozen=True):
    """All that a party noted."""

    marks: list[Mark]

    workers_memory: int
    """Most bytes that all its worker processes ever had together."""


class ClearValues:
    """A value side that sends its values as they are."""

    def __init__(
        self,
        peer: Channel,
        encryption: RegressionEncryption,
        bounds: Bounds,
        columns: int,
        *,
        block_rows: int,
        **_: object,
    ) -> None:
        """Keep what is needed."""
        del encryption, bounds, columns
        self._peer, self._block_rows = peer, block_rows

    def send(self, values: Integers) -> None:
        """Send the values, in as many messages as under encryption."""
        for start in range(0, len(values), self._block_rows):
            block = values[start : start + self._block_rows].astype(np.float64)
            self._peer.send(EncryptedValues(ciphertexts=block.tobytes()))

    def answer(self) -> None:
        """Do nothing: the other side adds up by itself."""


class ClearColumns:
    """A column side that gets values as they are, and adds up."""

    def __init__(
        self,
        peer: Channel,
        columns: Quantised,
        encryption: RegressionEncryption,
        bounds: Bounds,
        **_: object,
    ) -> None:
        """Keep the columns as numbers."""
        del encryption, bounds
        self._peer, self._columns = peer, columns.integers().astype(np.float64)

    def __call__(self, rows: slice) -> Integers:
        """Returns the sums over some rows, which are exact: float64 has 53 bits."""
        columns = self._columns[rows]
        sums, done = np.zeros(columns.shape[1]), 0
        while done < len(columns):
            block = np.frombuffer(self._peer.receive(EncryptedValues).ciphertexts)
            sums += block @ columns[done : done + len(block)]
            done += len(block)
        return sums.astype(np.int64)


def main(file: Path, protection: Protection, arguments: list[str]) -> None:
    """Run the command, and leave the marks."""
    with ExitStack() as patches:
        if protection == "clear":
            patches.enter_context(mock.patch.object(active_problem, "ValueSide", ClearValues))
            patches.enter_context(mock.patch.object(passive, "ColumnSide", ClearColumns))
        patches.enter_context(_noting(file))
        sys.argv = ["isthmus", *arguments]
        isthmus()


@dataclass
class _Notes:
    """What a party notes."""

    marks: list[Mark] = field(default_factory=list[Mark])
    workers_memory: int = 0

    def note(self, kind: Kind) -> None:
        children = _children()
        cpu = _cpu_seconds(children)
        self.marks.append(Mark(kind, time.monotonic(), cpu, peak_memory()))
        if any(mark.kind == "ready" for mark in self.marks):  # before that, it is the enclave
            self.workers_memory = max(self.workers_memory, sum(map(peak_memory, children)))

    def before(self, kind: Kind, method: Callable[..., None]) -> Callable[..., None]:
        def noted(*args: Any, **named: Any) -> None:
            self.note(kind)
            method(*args, **named)

        return noted

    def after(self, kind: Kind, method: Callable[..., None]) -> Callable[..., None]:
        def noted(*args: Any, **named: Any) -> None:
            method(*args, **named)
            self.note(kind)

        return noted


@contextmanager
def _noting(file: Path) -> Iterator[None]:
    """Note the marks of a training in the block, and leave them in a file."""
    notes = _Notes()
    patches = {
        (Memory, "add"): notes.after("kept", Memory.add),
        (Telemetry, "progress"): notes.after("told", Telemetry.progress),
    } | {
        (side, "__init__"): notes.before("ready", side.__init__)
        for side in (ValueSide, ColumnSide, ClearValues, ClearColumns)
    }
    with ExitStack() as patched:
        for (place, name), method in patches.items():
            patched.enter_context(mock.patch.object(place, name, method))
        try:
            yield
        finally:
            course = Course(notes.marks, notes.workers_memory)
            file.write_bytes(msgspec.json.encode(course))


def _children() -> list[int]:
    """Worker processes. Linux lists them for each thread that started some."""
    lists = Path("/proc/self/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


def _cpu_seconds(children: list[int]) -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = sum(sum(psutil.Process(child).cpu_times()[:2]) for child in children)
    return time.process_time() + ended.ru_utime + ended.ru_stime + running


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main(Path(sys.argv[1]), "clear" if sys.argv[2] == "clear" else "asked", sys.argv[3:])
