"""Plays a job in a process of its own, so that nothing trains in the process of the caller."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from isthmus.core import errors, memory
from isthmus.core.errors import IsthmusError
from isthmus.core.telemetry import Event
from isthmus.jobs.grid import Grid

Watch = Callable[[str, Event], None]
"""(party, event); the party is empty where there is one only."""

PATIENCE = 30.0
"""Seconds that a process has to end all that it started, once we want no more of it."""


class Simulate(msgspec.Struct, frozen=True, tag=True):
    """Play all parties of a job."""

    job: str
    runs: str
    into: str | None = None
    grid: Grid | None = None
    """Values to try, one after the other."""

    told: bool = False


class Play(msgspec.Struct, frozen=True, tag=True):
    """Play this machine's side of a job."""

    job: str
    party: str | None = None
    into: str | None = None
    again: bool = False
    told: bool = False
    """Whether the caller wants to see events."""


class Happened(msgspec.Struct, frozen=True, tag=True):
    """An event of a party."""

    party: str
    event: Event


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The run has finished."""

    folder: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The run failed in a way that the reader can act on."""

    kind: str
    """Name of the class of the error."""

    sentence: str


def play(task: Simulate | Play, watch: Watch | None) -> Path:
    """Do a task in a process of its own, and wait until it ends.

    Args:
        task: What to do.
        watch: Sees events as they happen; what it raises ends the task.

    Returns:
        The folder of the finished run.

    Raises:
        IsthmusError: What the process says, as the same class of error.
    """
    task = msgspec.structs.replace(task, told=watch is not None)
    with tempfile.TemporaryFile() as log:
        process, answers = _start(task, log)
        try:
            with answers:
                last = _follow(answers, watch)
            process.wait()
        finally:
            _end(process)
        if isinstance(last, Ended):
            return Path(last.folder).resolve()  # the caller may go to another folder
        error = _bug(process.returncode, log) if last is None else _as_raised(last)
    raise error


def _start(task: Simulate | Play, log: IO[bytes]) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "isthmus.api.worker", str(writing)]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            [*command, msgspec.json.encode(task).decode()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writing],
            start_new_session=True,  # Ctrl-C is for us: we end the process in good order
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return process, os.fdopen(reading, "rb")


def _follow(answers: IO[bytes], watch: Watch | None) -> Ended | Failed | None:
    """Pass events on until the process says how it ended; None where it did not say."""
    for line in answers:
        match msgspec.json.decode(line, type=Happened | Ended | Failed):
            case Happened(party=party, event=event) if watch is not None:
                watch(party, event)
            case Ended() | Failed() as last:
                return last
            case _:
                pass
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and all that it started, if it still runs."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has just ended
        os.killpg(process.pid, number)  # its session is one group: the parties are in it too


def _as_raised(failed: Failed) -> IsthmusError:
    return (errors.of_name(failed.kind) or IsthmusError)(failed.sentence)


def _bug(code: int, log: IO[bytes]) -> IsthmusError:
    log.seek(0)
    said = log.read().decode(errors="replace").strip()
    if short := memory.of_process("the process of this run", code):
        return short
    error = IsthmusError(
        f"the process of this run ended with exit code {code} and without a result. If nobody "
        "stopped it, this is a bug in isthmus: please report it with the lines below."
    )
    error.add_note(said or "It printed nothing.")
    return error
