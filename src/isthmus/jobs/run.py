"""One party's side of a job, from its two files to a run folder with everything in it."""

from collections.abc import Callable
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Sink, silent
from isthmus.jobs import report, rounds, tables
from isthmus.jobs.begun import Begun, PlanT, begin
from isthmus.jobs.plan import SamplesPlan, TablePlan, make_plan
from isthmus.jobs.systems import system_of
from isthmus.store.runs import Run


def run(job_file: Path, party_file: Path, into: Path | None = None, watch: Sink = silent) -> Run:
    """Play one party's role of a job.

    Args:
        job_file: The job all parties agreed on.
        party_file: This party's own file.
        into: Folder for this run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.

    Returns:
        The run folder: result, model, ledger and report are in it.

    Raises:
        IsthmusError: Anything that a person can act on.
    """
    plan = make_plan(job_file, party_file)  # nothing is sent before all of this side is checked
    system_of(plan.job)
    if isinstance(plan, TablePlan):
        return _play(plan, tables.play, into, watch)
    return _play(plan, rounds.play, into, watch)


def align_only(
    job_file: Path, party_file: Path, into: Path | None = None, watch: Sink = silent
) -> Run:
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
    if isinstance(plan, SamplesPlan):
        raise SpecError(
            f"{job_file}: the parties of this job hold samples of their own, so there are no rows "
            "to align. Use `isthmus run`."
        )
    with begin(plan, into, watch) as begun:
        tables.align_only(begun)
    return begun.run


def _play(plan: PlanT, play: Callable[[Begun[PlanT]], None], into: Path | None, watch: Sink) -> Run:
    with begin(plan, into, watch) as begun:
        play(begun)
    report.write(begun.run)
    return begun.run
