"""The index of the code: which table of a job file starts which system, and where it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from isthmus.core.errors import SpecError
from isthmus.evaluation.description import Description
from isthmus.horizontal.encoders import system as encoders
from isthmus.horizontal.rounds.training import Round
from isthmus.horizontal.system import Compare, Finish, Follow, Lead
from isthmus.horizontal.weighting import system as weighting
from isthmus.jobs import boosting, regression
from isthmus.jobs.outcome import Joined, Play
from isthmus.jobs.spec import Job
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.store.runs import Run
from isthmus.vertical.boosting.forecast import forecast as forecast_boosting
from isthmus.vertical.regression.forecast import forecast as forecast_regression


@dataclass(frozen=True, kw_only=True)
class System:
    """One system: its table in the job file, its roles, and what it does."""

    table: str
    roles: tuple[str, ...]
    """The party in the first one listens, the others dial."""

    several: bool
    """Whether the last role may be played by several parties."""

    check: Callable[[Any], None]
    check_party: Callable[[Any, str, Any, Any], None]
    forecast: Callable[[Any, Sizes], list[Flow]]
    rounds: Callable[[Any], int]
    """Most rounds of training."""

    def spec(self, job: Job) -> Any:
        """What a job says of this system."""
        return getattr(job, self.table)


@dataclass(frozen=True, kw_only=True)
class Vertical(System):
    """A system whose parties hold columns of the same rows, which are aligned first."""

    play: Play
    describe: Callable[[Run], Description]
    central: Callable[[Any, Joined], dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Horizontal(System):
    """A system whose parties hold samples of their own, and train a network in rounds."""

    roles: tuple[str, ...] = ("master", "child")
    several: bool = True
    rounds: Callable[[Any], int] = lambda spec: spec.rounds.count
    lead: Lead
    follow: Follow
    finish: Finish
    compare: Compare
    suspects: Callable[[Any, Sequence[Round]], dict[str, list[str]]]
    """Why the master should look after a child, by child."""


SYSTEMS = (
    Vertical(
        table="regression",
        roles=("active", "passive"),
        several=False,
        check=regression.check,
        check_party=regression.check_party,
        play=regression.play,
        forecast=forecast_regression,
        rounds=lambda spec: spec.max_rounds,
        describe=regression.describe,
        central=regression.central,
    ),
    Vertical(
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
    Horizontal(
        table="encoders",
        check=encoders.check,
        check_party=encoders.check_party,
        forecast=encoders.forecast,
        lead=encoders.lead,
        follow=encoders.follow,
        finish=encoders.finish,
        compare=encoders.compare,
        suspects=encoders.suspects,
    ),
    Horizontal(
        table="weighting",
        check=weighting.check,
        check_party=weighting.check_party,
        forecast=weighting.forecast,
        lead=weighting.lead,
        follow=weighting.follow,
        finish=weighting.finish,
        compare=weighting.compare,
        suspects=weighting.suspects,
    ),
)


ALIGNMENT_ROLES = ("active", "passive")
"""Roles of a job that ends with the alignment; there may be several passive parties."""


def trains(job: Job) -> bool:
    """Whether a job goes on after the alignment."""
    return any(system.spec(job) is not None for system in SYSTEMS)


def named(table: str) -> Vertical:
    """The system that a run over tables says it used.

    Args:
        table: Its table in the job file.

    Returns:
        Its row of the index.

    Raises:
        SpecError: There is none.
    """
    for system in SYSTEMS:
        if isinstance(system, Vertical) and system.table == table:
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
    found = [system for system in SYSTEMS if system.spec(job) is not None]
    if not found:
        tables = " or ".join(f"[{system.table}]" for system in SYSTEMS)
        raise SpecError(
            f"this job says nothing of training: add a table {tables}, or run `isthmus align`."
        )
    if len(found) > 1:
        tables = ", ".join(f"[{system.table}]" for system in found)
        raise SpecError(f"a job trains one thing, and this one has the tables {tables}.")
    return found[0]


def aligns(job: Job) -> bool:
    """Whether the parties of a job hold the same rows, which are aligned before all else."""
    return not trains(job) or isinstance(system_of(job), Vertical)


def vertical_of(job: Job) -> Vertical:
    """The system of a job that aligns rows and trains on them.

    Args:
        job: The job.

    Returns:
        Its row of the index.

    Raises:
        TypeError: The job is of the other kind; ask `aligns` first.
    """
    system = system_of(job)
    if not isinstance(system, Vertical):
        raise TypeError(f"[{system.table}] aligns no rows: see `aligns`")
    return system


def horizontal_of(job: Job) -> Horizontal:
    """The system of a job that trains in rounds.

    Args:
        job: The job.

    Returns:
        Its row of the index.

    Raises:
        TypeError: The job is of the other kind; ask `aligns` first.
    """
    system = system_of(job)
    if not isinstance(system, Horizontal):
        raise TypeError(f"[{system.table}] has no rounds of a master: see `aligns`")
    return system


def roles(job: Job) -> tuple[str, ...]:
    """Roles of a job; the party in the first one listens, the others call it."""
    return system_of(job).roles if trains(job) else ALIGNMENT_ROLES


def first(job: Job) -> str:
    """The party that listens."""
    return job.in_role(roles(job)[0])
