"""The index of the code: which table of a job file starts which system, and where it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.jobs import boosting, regression
from isthmus.jobs.outcome import Description, Joined, Play
from isthmus.jobs.spec import Job
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.store.runs import Run
from isthmus.vertical.boosting.forecast import forecast as forecast_boosting
from isthmus.vertical.regression.forecast import forecast as forecast_regression


@dataclass(frozen=True)
class System:
    """One system: its table in the job file, its roles, and what it does."""

    table: str
    roles: tuple[str, ...]
    check: Callable[[Any], None]
    check_party: Callable[[Any, str, Table, Table | None], None]
    play: Play
    forecast: Callable[[Any, Sizes], list[Flow]]
    rounds: Callable[[Any], int]
    """Most rounds of training."""

    describe: Callable[[Run], Description]
    central: Callable[[Any, Joined], dict[str, float]]
    several: bool = False
    """Whether the last role may be played by several parties."""


SYSTEMS = (
    System(
        table="regression",
        roles=("active", "passive"),  # the first one listens, the others dial
        check=regression.check,
        check_party=regression.check_party,
        play=regression.play,
        forecast=forecast_regression,
        rounds=lambda spec: spec.max_rounds,
        describe=regression.describe,
        central=regression.central,
    ),
    System(
        table="boosting",
        roles=("active", "passive"),
        several=True,
        check=boosting.check,
        check_party=boosting.check_party,
        play=boosting.play,
        forecast=forecast_boosting,
        rounds=lambda spec: spec.trees,
        describe=boosting.describe,
        central=boosting.central,
    ),
)


ALIGNMENT_ROLES = ("active", "passive")
"""Roles of a job that ends with the alignment; there may be several passive parties."""


def trains(job: Job) -> bool:
    """Whether a job goes on after the alignment."""
    return any(getattr(job, system.table) is not None for system in SYSTEMS)


def named(table: str) -> System:
    """The system that a run says it used.

    Args:
        table: Its table in the job file.

    Returns:
        Its row of the index.

    Raises:
        SpecError: There is none.
    """
    for system in SYSTEMS:
        if system.table == table:
            return system
    raise SpecError(f"the run is of a system {table!r}, which this version does not have.")


def system_of(job: Job) -> System:
    """The one system that a job uses.

    Args:
        job: The job.

    Returns:
        Its row of the index.

    Raises:
        SpecError: The job has no table of a system, or several.
    """
    found = [system for system in SYSTEMS if getattr(job, system.table) is not None]
    if not found:
        tables = " or ".join(f"[{system.table}]" for system in SYSTEMS)
        raise SpecError(
            f"this job says nothing of training: add a table {tables}, or run `isthmus align`."
        )
    if len(found) > 1:
        tables = ", ".join(f"[{system.table}]" for system in found)
        raise SpecError(f"a job trains one thing, and this one has the tables {tables}.")
    return found[0]


def roles(job: Job) -> tuple[str, ...]:
    """Roles of a job; the party in the first one listens, the others call it."""
    return system_of(job).roles if trains(job) else ALIGNMENT_ROLES


def first(job: Job) -> str:
    """The party that listens."""
    return job.in_role(roles(job)[0])
