"""Writes what a job needs as the files that every process reads: a job file and party files."""

import os
import shutil
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from isthmus.api.frames import Frame
from isthmus.api.parties import Party
from isthmus.core.errors import IsthmusError, SpecError
from isthmus.core.memory import shortage_is_error
from isthmus.data.spec import Dataset
from isthmus.jobs.examples import JOB_FILE
from isthmus.jobs.job import Job
from isthmus.jobs.party import PARTY_FILE
from isthmus.store.runs import Run

FILES = "input_files"
"""Folder in a run folder for what was not in files yet; no party has a name with `_` in it."""

GivenJob = Job | str | Path
GivenParty = Party | str | Path


_NONE: Mapping[str, Frame] = {}


def loaded(job: GivenJob) -> Job:
    """Returns the job, read from its file if it is one."""
    return job if isinstance(job, Job) else Job.load(job)


@contextmanager
def in_temporary_folder(
    job: GivenJob, party: GivenParty | None, frames: Mapping[str, Frame] = _NONE
) -> Generator[tuple[Path, Path | None]]:
    """Write what is not in files yet, until the block ends.

    Args:
        job: The job, or its file.
        party: One of its parties, or its file; None where there is none.
        frames: Data sets of a job of one organisation.

    Yields:
        The job file and the party file.

    Raises:
        IsthmusError: What the block raised, without the name of the temporary folder.
    """
    with TemporaryDirectory(prefix="isthmus-") as name, unnamed(Path(name)):
        folder = Path(name)
        yield write_job(job, frames, folder), None if party is None else _write(party, folder)


@contextmanager
def in_run_folder(job: Job, runs: Path, into: str | Path | None = None) -> Generator[Run]:
    """Make the folder of a new run; it goes again if the block fails before anything begins.

    Args:
        job: The job.
        runs: The folder of all runs.
        into: The folder of this run, where the caller chose one: it stays whatever happens.

    Yields:
        The run, with a folder in it for what is not in files yet.

    Raises:
        IsthmusError: What the block raised, without the name of a folder that may be gone.
    """
    if into is None:
        run = Run.make(runs.resolve(), job.name, job.digest)
    else:
        run = Run.at(Path(into).resolve())
    files = run.folder / FILES
    try:
        files.mkdir(mode=0o700, exist_ok=True)
        with unnamed(files):
            yield run
    finally:
        if into is None and any(run.folder.rglob(run.events.name)):
            run.become_latest()
        elif into is None:
            shutil.rmtree(run.folder)


def write_job(job: GivenJob, frames: Mapping[str, Frame], folder: Path) -> Path:
    """Write a job, unless it is a file already.

    Args:
        job: The job, or its file.
        frames: Data sets of a job of one organisation.
        folder: Where to.

    Returns:
        The job file; paths in it lead to the files that they lead to from the current folder.

    Raises:
        SpecError: The job has parties, and so no data of its own.
    """
    if not isinstance(job, Job) and not frames:
        return Path(job)
    _check_frames(frames)
    given = loaded(job)
    if frames and given.parties:
        raise SpecError(
            f"the job has parties ({', '.join(given.parties)}): give each its data by "
            "`isthmus.Party(...)`."
        )
    here = Path.cwd() if isinstance(job, Job) else Path(job).parent
    whole = given.replace().anchored(here)
    datasets: dict[str, Dataset] = dict(whole.datasets or {})
    for name, frame in frames.items():
        datasets[name] = frame.dataset(f"{name}.parquet")
    whole = whole.replace(datasets=datasets or None)
    for name, frame in frames.items():
        frame.write(folder / f"{name}.parquet")
    whole.save(folder / JOB_FILE)
    return folder / JOB_FILE


def write_parties(job: Job, parties: Iterable[GivenParty], folder: Path) -> None:
    """Write the party files of a simulation.

    Args:
        job: The job.
        parties: All its parties, or their files.
        folder: The folder of the job file.

    Raises:
        SpecError: They are not the parties of the job.
    """
    found = [each if isinstance(each, Party) else Party.load(each) for each in parties]
    names = [party.name for party in found]
    if sorted(names) != sorted(job.parties):
        raise SpecError(
            f"the job's parties are {', '.join(job.parties) or 'none'}, and you gave "
            f"{', '.join(names) or 'none'}. Give every party once."
        )
    for party in found:
        _write(party, folder / party.name)


def _write(party: GivenParty, folder: Path) -> Path:
    if not isinstance(party, Party):
        return Path(party)
    party.save_copy(folder / PARTY_FILE)
    return folder / PARTY_FILE


def _check_frames(given: Mapping[str, object]) -> None:
    for name, frame in given.items():
        if not isinstance(frame, Frame):
            raise SpecError(
                f"`{name}` is neither an argument nor a data set: data sets of a job of one "
                "organisation are made by `isthmus.frame(...)`."
            )


@contextmanager
def unnamed(folder: Path) -> Generator[None]:
    """Take the path of a folder out of errors: who gave data in memory does not know it.

    Args:
        folder: The folder.

    Yields:
        Nothing.

    Raises:
        IsthmusError: What the block raised, with paths that begin in the folder.
    """
    try:
        with shortage_is_error():
            yield
    except IsthmusError as error:
        error.args = (str(error).replace(f"{folder}{os.sep}", ""),)
        raise
