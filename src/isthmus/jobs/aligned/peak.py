"""The memory that a party of a job over aligned columns needs at most."""

from collections import Counter
from dataclasses import replace

from isthmus.data.memory import of_rows
from isthmus.jobs import consent
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.ledger.forecast import Sizes
from isthmus.vertical.system import KeepsColumns

_PROGRAM = {"active": 435 * 10**6, "passive": 325 * 10**6}
"""Bytes of a process with all libraries; the active party trains models to compare with."""

_CELL, _ROW = 4, 40
"""Bytes of a cell and of a row that the active party of a regression takes besides: it has columns
as they were read, in the order that all parties share, and standardised, all at once."""

_FORMS = 2.5
"""Bytes per byte of what crosses: as a message, and as objects of the encryption."""

_MOST_OBJECTS = 64 * 2**20
"""Bytes of ciphertexts that are in memory at one time; more are on disk or come in blocks."""


def forecast(plan: AlignedPlan, sizes: Sizes) -> int:
    """Forecast the memory of a run at this party.

    Args:
        plan: The job and the party.
        sizes: What to reckon with.

    Returns:
        Bytes.
    """
    rows = sum(len(table) for table in plan.tables.values())
    crossing = Counter[type]()
    largest = replace(
        sizes, rounds=min(sizes.rounds, 1), functions=tuple(sorted(sizes.functions)[-1:])
    )
    for each in consent.crossings(plan.loaded, largest):
        crossing[type(each.flow.sample)] += each.flow.bytes
    code, columns = plan.loaded.code, len(plan.train.names)
    kept = 0
    if plan.loaded.trains and isinstance(code, KeepsColumns):
        kept = code.kept_bytes(plan.loaded.spec, plan.role, sizes.train, columns)
        if plan.role == "active":
            kept += sizes.train * (_CELL * columns + _ROW)
    most = min(max(crossing.values(), default=0), _MOST_OBJECTS)
    return _PROGRAM[plan.role] + of_rows(rows, columns) + kept + round(_FORMS * most)
