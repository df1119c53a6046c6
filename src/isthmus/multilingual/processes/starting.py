# torch leaves types open:
# pyright: reportUnknownMemberType=false
"""Starts further processes on this machine, and ends them with the training.

A helper ends by itself when its standard input does: so it does not outlive a process that was
killed.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Literal, cast

import msgspec
import torch

from isthmus.core import errors
from isthmus.core.errors import IsthmusError, SpecError, one_line
from isthmus.multilingual.processes import devices, meeting, places
from isthmus.multilingual.processes.group import LostProcessError, ProcessGroup
from isthmus.multilingual.processes.places import Place

READY = b"ready\n"
"""What a helper says once it has loaded its libraries."""

_MODULE = "isthmus.multilingual.helping"
_PATIENCE = 10.0


class Task(msgspec.Struct, frozen=True):
    """What a helper is told on its standard input."""

    run: str
    """The run folder."""

    folder: str
    """Folder of the job file."""

    seed: int
    job: str
    """Digest of the job."""


class Failed(msgspec.Struct, frozen=True):
    """What a helper says on its standard output before it ends by an error."""

    kind: str
    """Name of the class of the error."""

    sentence: str


@contextmanager
def started(size: int, device: Literal["cpu", "cuda"], task: Task) -> Generator[ProcessGroup]:
    """Start further processes, and end them after the block.

    Args:
        size: Number of processes with this one; 1: none is started.
        device: What they compute on.
        task: What they help with.

    Yields:
        All of them.

    Raises:
        IsthmusError: One of them ended before the block did.
    """
    if size == 1:
        yield ProcessGroup(device=devices.chosen(device, None))
        return
    with TemporaryDirectory(prefix="isthmus-") as folder, _threads(size):
        store = f"{folder}/store"
        found = [Place(rank, size, rank, size, store) for rank in range(size)]
        here = devices.chosen(device, found[0])
        helpers = list[_Helper]()
        try:
            for place in found[1:]:
                helpers.append(_Helper(place, task, Path(folder)))
            for helper in helpers:
                helper.wait()
            with meeting.joined(found[0], here) as processes:
                yield processes
        except LostProcessError:
            error = _reason(helpers)
            raise error from None
        finally:
            for helper in helpers:
                helper.end()


@contextmanager
def _threads(size: int) -> Generator[None]:
    """Share the processors of this machine among the processes."""
    before = torch.get_num_threads()
    torch.set_num_threads(devices.threads(size))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _reason(helpers: "Sequence[_Helper]") -> IsthmusError:
    """Returns why training cannot go on: the error of the first helper that ended by itself."""
    failures = [helper.failure() for helper in helpers]
    own = (each for each in failures if not isinstance(each, LostProcessError))
    return next(own, failures[0])


class _Helper:
    """A further process."""

    def __init__(self, place: Place, task: Task, folder: Path) -> None:
        self._name = f"process {place.rank + 1} of {place.size}"
        self._log = folder / f"{place.rank}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                [sys.executable, "-P", "-m", _MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **places.variables(place)},
                start_new_session=True,  # Ctrl-C is for the first one, which ends the others
            )
        self._said = b""
        self._to = cast(IO[bytes], self._process.stdin)
        self._from = cast(IO[bytes], self._process.stdout)
        with suppress(BrokenPipeError):
            self._to.write(msgspec.json.encode(task) + b"\n")
            self._to.flush()

    def wait(self) -> None:
        """Wait until it can begin.

        Raises:
            LostProcessError: It has ended.
        """
        self._said = self._from.readline()
        if self._said != READY:
            raise LostProcessError

    def failure(self) -> IsthmusError:
        """Returns the error that it ended by; LostProcessError if it had to because of others."""
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return LostProcessError("a process of this training does not answer. Start it again.")
        said = (self._said + self._from.read()).removeprefix(READY)
        if said:
            failed = msgspec.json.decode(said, type=Failed)
            return (errors.of_name(failed.kind) or IsthmusError)(failed.sentence)
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        lines = one_line(": ".join([f"{self._name} was ended by {how}", *last]))
        return SpecError(
            f"{lines}. The others stopped with it. Start the same command again: it goes on from "
            "the last checkpoint. Where memory is short, systems end processes."
        )

    def end(self) -> None:
        """End the process, whatever it is doing."""
        with suppress(BrokenPipeError):
            self._to.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._from.close()
