"""The verbs: what each command of the same name does, for files or for what lies in memory."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from isthmus.api import inputs, process
from isthmus.api.drawn import Checked, Explanation
from isthmus.api.frames import Frame
from isthmus.api.inputs import FILES, GivenJob, GivenParty
from isthmus.api.parties import Party
from isthmus.api.process import Play, Simulate, Watch
from isthmus.api.runs import Run
from isthmus.core.errors import SpecError
from isthmus.jobs import check as checking
from isthmus.jobs import explain as explaining
from isthmus.jobs import grid as grids
from isthmus.jobs.grid import Grid
from isthmus.jobs.job import Job
from isthmus.jobs.load import make_plan
from isthmus.store import runs as stored


def simulate(
    job: GivenJob,
    parties: Iterable[GivenParty] | None = None,
    runs: str | Path = "runs",
    watch: Watch | None = None,
    grid: Mapping[str, Any] | str | Path | None = None,
) -> Run:
    """Play every party of a job on this machine: own processes, own keys, mutual TLS.

    Args:
        job: The job, or its file.
        parties: All parties of the job, or their files; None: each has a folder with a `party.toml`
            beside the job file.
        runs: Folder in which the run gets its own, with a copy of what was not in files.
        watch: Sees every party's events as they happen.
        grid: Train with each of several values over one alignment: lists by dotted key of the job,
            `{"boosting.depth": [3, 4], "folds": 5}`, or a file that says so. The `trials` of the
            run's `result` are the table.

    Returns:
        The finished run.

    Raises:
        SpecError: A job, a party or its data is wrong; no party was started.
        IsthmusError: A party failed; the error is that party's.
    """
    if parties is None:
        if isinstance(job, Job) and not job.parties:
            raise SpecError(
                "one organisation trains by itself in this job, so there is nobody to simulate: "
                "use `isthmus.run`."
            )
        if isinstance(job, Job):
            raise SpecError("name the parties of the job too, or give the path of a job file.")
        return Run(process.play(Simulate(str(job), str(runs), grid=_grid(grid)), watch))
    if isinstance(parties, Party | str | Path):
        raise SpecError("give all parties of the job in one list, for example `[bank, shop]`.")
    given = inputs.loaded(job)
    with inputs.in_run_folder(given, Path(runs)) as run:
        file = inputs.write_job(given, {}, run.folder / FILES)
        inputs.write_parties(given, parties, run.folder / FILES)
        task = Simulate(str(file), str(runs), str(run.folder), _grid(grid))
        return Run(process.play(task, watch))


def _grid(given: Mapping[str, Any] | str | Path | None) -> Grid | None:
    if given is None:
        return None
    return grids.load(Path(given)) if isinstance(given, str | Path) else grids.grid(given)


def run(
    job: GivenJob,
    party: str | Path | None = None,
    into: str | Path | None = None,
    watch: Watch | None = None,
    *,
    again: bool = False,
    **datasets: Frame,
) -> Run:
    """Play this machine's side of a job, in a process of its own.

    Where a run of the same files over the same data has finished before, it is returned as it is.

    Args:
        job: The file that all parties agreed on; or the job of one organisation.
        party: This party's file: keys, runs and alignments are kept beside it. None where one
            organisation trains alone.
        into: Folder for this run; by default a new one in the party's `runs`.
        watch: Sees events as they happen; the party's name is empty.
        again: Begin another run, where one of the same files over the same data has finished.
        **datasets: Data of one organisation by name, each made by `frame`.

    Returns:
        The finished run.

    Raises:
        SpecError: A file, or the data it names, does not fit the job.
        IsthmusError: Anything else that a person can act on, as on the command line.
    """
    if _is_file(job) and _is_file(party or "") and not datasets:
        return Run(process.play(Play(str(job), _path(party), _path(into), again), watch))
    given = inputs.loaded(job)
    if isinstance(party, Frame):
        raise SpecError("give a data set by its name in the job, for example `people=...`.")
    if given.parties or party is not None:
        raise SpecError(
            "parties agree on files, and each has a file of its own: save the job and your party "
            "(`job.save(...)`, `party.save(...)`), and give their paths."
        )
    with inputs.in_run_folder(given, Path("runs"), into) as new:
        file = inputs.write_job(job, datasets, new.folder / FILES)
        return Run(process.play(Play(str(file), into=str(new.folder)), watch))


def _is_file(given: object) -> bool:
    return isinstance(given, str | Path)


def _path(given: str | Path | None) -> str | None:
    return None if given is None else str(given)


def check(job: GivenJob, party: GivenParty | None = None, **datasets: Frame) -> Checked:
    """Validate a job, and one party's side of it; nobody is contacted.

    Args:
        job: The job, or its file.
        party: A party, or its file: its keys and its data are checked too.
        **datasets: Data of one organisation by name, each made by `frame`.

    Returns:
        What the job is, and what will happen.

    Raises:
        SpecError: A file, or the data it names, does not fit the job.
        PolicyError: The party's policy refuses a message that it would have to send.
    """
    with inputs.in_temporary_folder(job, party, datasets) as files:
        return Checked(**msgspec.structs.asdict(checking.check(*files)))


def explain(
    job: GivenJob,
    party: GivenParty | None = None,
    run: Run | str | Path | None = None,
    **datasets: Frame,
) -> Explanation:
    """Forecast every message that would leave a party, and what its reader learns.

    Args:
        job: The job, or its file.
        party: One of its parties, or its file; None where one organisation trains alone.
        run: A finished run of this job: compare with what its ledger says.
        **datasets: Data of one organisation by name, each made by `frame`.

    Returns:
        One row per message type.

    Raises:
        SpecError: A file, or the data it names, does not fit the job, or the run is of another one.
        PolicyError: The party's policy refuses a message that it would have to send.
    """
    folder = run.folder if isinstance(run, Run) else run
    finished = None if folder is None else stored.find(Path(folder))
    with inputs.in_temporary_folder(job, party, datasets) as files:
        return Explanation(
            **msgspec.structs.asdict(explaining.explain(make_plan(*files), finished))
        )
