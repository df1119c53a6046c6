"""The memory that a party of a job in rounds needs at most."""

from dataclasses import replace

from isthmus.data.memory import of_rows
from isthmus.jobs import consent
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.ledger.forecast import Sizes

_PROGRAM = {"master": 425 * 10**6, "child": 475 * 10**6}
"""Bytes of a process with PyTorch and all libraries; a child trains."""

_CELL = 12
"""Bytes of a number of a sample, besides those of a table: as the network takes it."""

_COPIES = 8
"""The network: as a message and as arrays, its gradient, two moments, and a round's start."""


def forecast(plan: RoundsPlan, sizes: Sizes) -> int:
    """Forecast the memory of a run at this party; the master keeps an update of every child.

    Args:
        plan: The job and the party.
        sizes: What to reckon with.

    Returns:
        Bytes.
    """
    one_round = consent.crossings(plan.loaded, replace(sizes, rounds=1))
    network = max((each.flow.bytes for each in one_round), default=0)
    children = len(plan.neighbours) if plan.listens else 0
    samples = sum(
        of_rows(len(part), len(part.names)) + _CELL * part.inputs.size
        for part in (plan.train, plan.test)
        if part is not None
    )
    return _PROGRAM[plan.role] + samples + (_COPIES + children) * network
