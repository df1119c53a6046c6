"""One machine's side of a job, from its files to a run folder with everything in it."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Sink, Telemetry, silent
from isthmus.jobs import earlier, memory, registry, report
from isthmus.jobs.capabilities import ScoresTables, ScoringFamilyCode, SharingFamilyCode
from isthmus.jobs.earlier import Command
from isthmus.jobs.load import load_job, make_plan
from isthmus.jobs.plan import Loaded, PartyPlan, Plan
from isthmus.store.runs import Run

FINISHED = "finished"
"""The stage of the one event that there is where a run has finished before; its note says so."""


def run(
    job_file: Path,
    party_file: Path | None = None,
    into: Path | None = None,
    watch: Sink = silent,
    *,
    again: bool = False,
) -> Run:
    """Play this machine's part of a job, unless that was done before over the same data.

    Args:
        job_file: The job.
        party_file: This party's own file; None where one organisation trains alone.
        into: Folder for this run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.
        again: Begin another run, where one over the same data has finished.

    Returns:
        The run folder: result, model, ledger and report are in it.

    Raises:
        SpecError: The job trains nothing.
        IsthmusError: Anything else that a person can act on.
    """
    return _run(load_job(job_file), party_file, into, watch, again=again)


def run_process(
    job_file: Path,
    party_file: Path | None = None,
    into: Path | None = None,
    watch: Sink = silent,
    *,
    again: bool = False,
) -> Run | None:
    """Play this machine's part of a job as `run` does, or help the process that does.

    Args:
        job_file: The job.
        party_file: This party's own file; None where one organisation trains alone.
        into: Folder for this run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.
        again: Begin another run, where one over the same data has finished.

    Returns:
        The run folder; None if a launcher started this process to help the one that has it.

    Raises:
        IsthmusError: As of `run`.
    """
    loaded = load_job(job_file)
    family: object = loaded.family
    if loaded.trains and isinstance(family, SharingFamilyCode) and family.helps(loaded):
        if again or earlier.finished(family.plan(loaded, party_file), into) is None:
            family.assist(loaded)
        return None
    return _run(loaded, party_file, into, watch, again=again)


def _run(
    loaded: Loaded, party_file: Path | None, into: Path | None, watch: Sink, *, again: bool
) -> Run:
    family = loaded.family
    plan = family.plan(loaded, party_file)  # nothing is sent before all of this side is checked
    if not loaded.trains:
        tables = " or ".join(f"[{row.table}]" for row in registry.ROWS)
        raise SpecError(
            f"{loaded.path}: this job says nothing of training: add a table {tables}, or run "
            "`isthmus align`."
        )
    memory.check(plan)
    again = again or loaded.online  # each start answers other requests
    before = None if again else earlier.finished(plan, into)
    if before is not None:
        if not before.report.exists():
            report.attempt(before)
        return _as_it_is(plan, before, watch)
    run = family.play(plan, _beside(plan, into, "run") if again else into, watch)
    report.attempt(run)
    return run


@contextmanager
def scoring(
    job_file: Path, party_file: Path, model: str, into: Path | None = None, watch: Sink = silent
) -> Generator[tuple[Run, ScoresTables]]:
    """Score rows online with a model of several parties, while the block runs.

    Args:
        job_file: The job that all parties agreed on.
        party_file: The file of the party that asks.
        model: Digest of the model that the caller means.
        into: Folder for this run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.

    Yields:
        The run folder, and what scores rows.

    Raises:
        SpecError: The job does not score online, or with another model.
        IsthmusError: Anything else that a person can act on.
    """
    loaded = load_job(job_file)
    family: object = loaded.family
    if not (loaded.online and isinstance(family, ScoringFamilyCode)):
        raise SpecError(
            f"{job_file}: has no table [prediction.online], so that nobody answers requests. "
            "`isthmus init --from RUN online.toml --online` writes such a job."
        )
    named: str = loaded.system.model(loaded.spec)
    if named != model:
        raise SpecError(
            f"{job_file}: `prediction.model` is {named[:12]}..., and this run trained "
            f"{model[:12] or 'no such model'}: load the run that the job names, or write the job "
            "anew with `isthmus init --from RUN online.toml --online`."
        )
    plan = loaded.family.plan(loaded, party_file)
    with family.scoring(plan, into, watch) as opened:
        yield opened
    report.attempt(opened[0])


def align(
    job_file: Path,
    party_file: Path,
    into: Path | None = None,
    watch: Sink = silent,
    *,
    again: bool = False,
) -> Run:
    """Find the rows that all parties of a job hold, and keep them for later runs of it.

    Args:
        job_file: The job all parties agreed on.
        party_file: This party's own file.
        into: Folder for this run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.
        again: Begin another run, where one over the same data has finished.

    Returns:
        The run folder: result, index and ledger are in it.

    Raises:
        SpecError: The job aligns no rows.
        IsthmusError: Anything else that a person can act on.
    """
    plan = make_plan(job_file, party_file)
    before = None if again else earlier.finished(plan, into, "align")
    if before is not None:
        _seal(plan, before)
        return _as_it_is(plan, before, watch)
    into = _beside(plan, into, "align") if again else into
    return plan.loaded.family.align(plan, into, watch)


def _seal(plan: Plan, run: Run) -> None:
    """Seal the ledger of a run that was stopped right before it."""
    from isthmus.jobs import session  # noqa: PLC0415 - it loads gRPC

    if isinstance(plan, PartyPlan):
        with run.locked():
            session.seal_left_open(plan, run)


def _as_it_is(plan: Plan, run: Run, watch: Sink) -> Run:
    where = ", at all parties" if isinstance(plan, PartyPlan) else ""
    note = f"this run is finished: {run.folder}; `--again` begins another one{where}"
    Telemetry(watch).progress(FINISHED, 1, 1, note=note)
    return run


def _beside(plan: Plan, into: Path | None, command: Command) -> Path | None:
    """Folder of another run where one has a result already; one without goes on all the same."""
    if into is not None:
        return into
    with suppress(SpecError):  # what somebody has changed is not gone on with
        newest = earlier.newest(plan, into, command)
        if newest is None or not newest.result.exists():
            return into
    return Run.make(plan.runs, plan.job.name, plan.digest).folder
