"""Earlier runs of a job: what has finished stays finished, and what has not goes on.

A command has finished if there is a finished run of its job over the same data: with other rows, or
other values in them, the same job is another training.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.jobs.job import Job
from isthmus.jobs.plan import Plan
from isthmus.store.runs import Run

Command = Literal["run", "align"]


class Start(msgspec.Struct, frozen=True):
    """What a run was begun with."""

    command: Command
    data: str | None
    """Digest of the data of this machine; None where it is not known whether they are the same."""


def newest(plan: Plan, into: Path | None, command: Command = "run") -> Run | None:
    """Find the run that a command goes on with, or that it has finished.

    Args:
        plan: What we are about to run.
        into: Folder for the run, where the caller chose one.
        command: What is asked for.

    Returns:
        The newest run of this job and command if it has no result, otherwise the newest one over
        the same data; or None.

    Raises:
        SpecError: Nobody can tell whether a finished run is one over the same data.
    """
    if into is not None:
        found = [Run(into)] if Run(into).job.exists() else []
    else:
        found = Run.of_job(plan.runs, plan.job.name, plan.digest)
    alike = [run for run in found if _same(plan, run, command)]
    if alike and not alike[0].result.exists():
        return alike[0]
    results = [run for run in alike if run.result.exists()]
    match = (run for run in results if _start_of(run, plan, command).data == plan.data_digest)
    if (same := next(match, None)) is None and plan.data_digest is not None:
        _check_readable(found)
    return same


def finished(plan: Plan, into: Path | None, command: Command = "run") -> Run | None:
    """Returns the run that this command has finished already, if there is one; see `newest`."""
    found = newest(plan, into, command)
    repeats = plan.data_digest is not None
    return found if repeats and found is not None and found.finished else None


def note(plan: Plan, run: Run, command: Command) -> None:
    """Write into the folder of a run what it is begun with."""
    run.write_json(run.job.name, plan.job)
    run.write_json(run.start.name, Start(command, plan.data_digest))


def folder(plan: Plan, into: Path | None, command: Command = "run") -> Run:
    """Find the folder of a run that is about to begin or to go on.

    Args:
        plan: What we are about to run.
        into: Folder for the run, where the caller chose one.
        command: What is asked for.

    Returns:
        That of the run to go on with, or a new one.

    Raises:
        SpecError: The folder holds something else, or cannot be written.
    """
    found = newest(plan, into, command)
    if found is not None and not found.finished:
        return found
    if into is None:
        return Run.make(plan.runs, plan.job.name, plan.digest)
    run = Run.at(into)
    if run.job.exists() and not run.finished:
        _check_same(run.read_json(run.job.name, Job), plan.job, into)
    if run.result.exists():
        raise SpecError(
            f"{into}: holds a finished run, which would be written over. Give another folder."
        )
    return run


def become_latest(plan: Plan, run: Run) -> None:
    """Let `latest` point to a run, unless somebody has chosen another folder for it."""
    if run.folder.parent.resolve() == plan.runs.resolve():
        run.become_latest()


def _same(plan: Plan, run: Run, command: Command) -> bool:
    try:
        if run.job.exists() and run.read_json(run.job.name, Job).digest != plan.digest:
            return False
        return _start_of(run, plan, command).command == command
    except SpecError:
        return False  # somebody has changed it


def _check_readable(runs: Iterable[Run]) -> None:
    """Refuse to take finished runs for others, only because somebody has changed what they say.

    Args:
        runs: Runs of a job.

    Raises:
        SpecError: One that has finished does not say what it was.
    """
    for run in runs:
        if not run.result.exists():
            continue
        for file, kind in ((run.job, Job), (run.start, Start)):
            try:
                if file.exists():
                    run.read_json(file.name, kind)
            except SpecError:
                raise SpecError(
                    f"{file}: was changed, or written by another version, so that nobody can tell "
                    "of which job, or over which data, this finished run is. Put the file back "
                    "from a backup, or begin another run with `--again`."
                ) from None


def _start_of(run: Run, plan: Plan, command: Command) -> Start:
    if not run.start.exists():  # it was stopped before anything had begun
        return Start(command, plan.data_digest)
    return run.read_json(run.start.name, Start)


def _check_same(earlier: Job, job: Job, folder: Path) -> None:
    if earlier.digest != job.digest:
        where = spec.first_difference(spec.key_digests(earlier), spec.key_digests(job))
        raise SpecError(
            f"{folder}: holds an unfinished run of another job, which differs at {where!r}. Run "
            "the job that began there, or give another folder."
        )
