"""The index of the code: which table of a job file starts which system, and where it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.jobs import regression
from isthmus.jobs.outcome import Play
from isthmus.jobs.spec import Job
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.vertical.regression.forecast import forecast


@dataclass(frozen=True)
class System:
    """One system: its table in the job file, its roles, and what it does."""

    table: str
    roles: tuple[str, ...]
    check: Callable[[Any], None]
    check_party: Callable[[Any, str, Table], None]
    play: Play
    forecast: Callable[[Any, Sizes], list[Flow]]
    central: Callable[[Any, Table, Table], dict[str, float]]


SYSTEMS = (
    System(
        table="regression",
        roles=("active", "passive"),  # the first one listens, the others dial
        check=regression.check,
        check_party=regression.check_party,
        play=regression.play,
        forecast=forecast,
        central=regression.central,
    ),
)


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
    if len(found) != 1:
        tables = ", ".join(f"[{system.table}]" for system in SYSTEMS)
        raise SpecError(f"a job needs exactly one of the tables {tables}; it has {len(found)}.")
    return found[0]
