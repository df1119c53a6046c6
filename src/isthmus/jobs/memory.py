"""Compares the memory that a run is expected to take with what this machine gives the process."""

from rich.filesize import decimal

from isthmus.core import memory
from isthmus.core.errors import OutOfMemoryError
from isthmus.core.memory import Room
from isthmus.jobs.plan import Plan


def in_words(plan: Plan) -> str:
    """Returns what a run is expected to take, beside what there is."""
    said = f"about {decimal(plan.loaded.family.peak(plan))}"
    found = memory.rooms()
    if not found:
        return said
    least = min(found, key=_left)
    return f"{said}; {decimal(_left(least))} are free {least.limit}"


def check(plan: Plan) -> list[str]:
    """Refuse a run that a firm limit of this process would end.

    Args:
        plan: The plan, with its data loaded.

    Returns:
        A sentence where the run would need memory that other processes have now.

    Raises:
        OutOfMemoryError: The run is expected to need more than a limit allows.
    """
    need = plan.loaded.family.peak(plan)
    more = max(need - memory.resident(), 0)
    short = memory.tightest(more, memory.rooms(), mapped=memory.MAPPED)
    if short is None:
        return []
    said = (
        f"a run of this job is expected to take about {decimal(need)} of memory in all, and "
        f"{decimal(_left(short))} are free {short.limit}"
    )
    if short.firm:
        raise OutOfMemoryError(
            f"{said}. Raise the limit, or bring fewer rows or columns. Nothing was sent."
        )
    return [f"{said[:1].upper()}{said[1:]}: end other programs, or bring fewer rows or columns."]


def _left(room: Room) -> int:
    """With what the process has already, so that it can be compared with what a run takes."""
    mapped = memory.MAPPED if room.mapped else 0
    return max(room.bytes - mapped, 0) + memory.resident()
