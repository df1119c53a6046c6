"""One machine's side of a job, from its files to a run folder with everything in it."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Sink, silent
from isthmus.jobs import registry, report
from isthmus.jobs.load import load_job, make_plan
from isthmus.jobs.plan import Loaded, ScoresTables, ScoringFamilyCode, SharingFamilyCode
from isthmus.store.runs import Run


def run(
    job_file: Path, party_file: Path | None = None, into: Path | None = None, watch: Sink = silent
) -> Run:
    """Play this machine's part of a job.

    Args:
        job_file: The job.
        party_file: This party's own file; None where one organisation trains alone.
        into: Folder for this run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.

    Returns:
        The run folder: result, model, ledger and report are in it.

    Raises:
        SpecError: The job trains nothing.
        IsthmusError: Anything else that a person can act on.
    """
    return _run(load_job(job_file), party_file, into, watch)


def run_process(
    job_file: Path, party_file: Path | None = None, into: Path | None = None, watch: Sink = silent
) -> Run | None:
    """Play this machine's part of a job as `run` does, or help the process that does.

    Args:
        job_file: The job.
        party_file: This party's own file; None where one organisation trains alone.
        into: Folder for this run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.

    Returns:
        The run folder; None if a launcher started this process to help the one that has it.

    Raises:
        IsthmusError: As of `run`.
    """
    loaded = load_job(job_file)
    family: object = loaded.family
    if loaded.trains and isinstance(family, SharingFamilyCode) and family.assist(loaded):
        return None
    return _run(loaded, party_file, into, watch)


def _run(loaded: Loaded, party_file: Path | None, into: Path | None, watch: Sink) -> Run:
    family = loaded.family
    plan = family.plan(loaded, party_file)  # nothing is sent before all of this side is checked
    if not loaded.trains:
        tables = " or ".join(f"[{row.table}]" for row in registry.ROWS)
        raise SpecError(
            f"{loaded.path}: this job says nothing of training: add a table {tables}, or run "
            "`isthmus align`."
        )
    finished = family.play(plan, into, watch)
    report.attempt(finished)
    return finished


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


def align(job_file: Path, party_file: Path, into: Path | None = None, watch: Sink = silent) -> Run:
    """Find the rows that all parties of a job hold, and keep them for later runs of it.

    Args:
        job_file: The job all parties agreed on.
        party_file: This party's own file.
        into: Folder for this run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.

    Returns:
        The run folder: result, index and ledger are in it.

    Raises:
        SpecError: The job aligns no rows.
        IsthmusError: Anything else that a person can act on.
    """
    plan = make_plan(job_file, party_file)
    return plan.loaded.family.align(plan, into, watch)
