"""Fields of the result of a simulated run that every family has."""

from collections.abc import Mapping
from typing import Any, TypeVar

from isthmus import __version__
from isthmus.jobs.job import Job
from isthmus.jobs.plan import Loaded
from isthmus.jobs.result import PartyResult
from isthmus.store.runs import Run

ResultT = TypeVar("ResultT", bound=PartyResult)


def results(run: Run, job: Job, kind: type[ResultT]) -> dict[str, ResultT]:
    """Read the result of every party, by its name.

    Args:
        run: The run, with one folder per party in it.
        job: The job.
        kind: What each party wrote.

    Returns:
        The results.

    Raises:
        SpecError: One is missing, or of another kind.
    """
    runs = {party: Run(run.folder / party) for party in job.parties}
    return {party: own.read_json(own.result.name, kind) for party, own in runs.items()}


def facts(loaded: Loaded, results: Mapping[str, PartyResult], seconds: float) -> dict[str, Any]:
    """Returns the fields of `SimulatedResult`."""
    first = results[loaded.first]
    return {
        "job": loaded.job.name,
        "digest": first.digest,
        "version": __version__,
        "parties": {name: member.role for name, member in loaded.job.parties.items()},
        "seconds": first.seconds | {"simulation": round(seconds, 3)},
        "egress": {party: result.egress for party, result in results.items()},
    }


def reports(run: Run, job: Job) -> dict[str, str]:
    """Returns where the report of each party is."""
    return {party: str(Run(run.folder / party).report) for party in job.parties}
