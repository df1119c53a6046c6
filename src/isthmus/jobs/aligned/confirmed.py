"""Runs that end with a word of all parties that they have what they need, and those cut off before.

| the run was stopped                      | the same command                             |
|------------------------------------------|----------------------------------------------|
| before all was stored here               | goes on with the other parties               |
| before the others had said that they end | offers them, each time, to go on for `OFFER` |
| while it was measured                    | measures it; nobody else is needed           |
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from isthmus.core.errors import ChannelError
from isthmus.core.telemetry import Sink
from isthmus.jobs import earlier, session
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.earlier import Command
from isthmus.jobs.session import PartySession, Session
from isthmus.ledger.record import reopen
from isthmus.store.runs import Run

OFFER = 15.0
"""Seconds in which other parties can come to a run that has all it needs: they may have less."""


@dataclass(frozen=True)
class Role:
    """What a party does in a run."""

    play: Callable[[PartySession[AlignedPlan]], None]
    measure_again: Callable[[Session[AlignedPlan]], None] | None = None
    """None where nothing is measured."""

    command: Command = "run"


def play(role: Role, plan: AlignedPlan, into: Path | None, watch: Sink) -> Run:
    """Play a role in a new run, or do what is left of one that was stopped.

    Args:
        role: The role.
        plan: What we are about to run.
        into: Folder for the run; by default one in the party's runs folder.
        watch: Sees every event as it happens.

    Returns:
        The run.

    Raises:
        IsthmusError: Whatever stops the role.
    """
    stopped = earlier.newest(plan, into, role.command)
    if stopped is None or not stopped.result.exists() or stopped.finished:
        with session.begin(plan, into, watch, role.command) as opened:
            role.play(opened)
        return opened.run
    if stopped.unconfirmed and _confirmed(role, plan, stopped, watch):
        return stopped
    with session.again(plan, stopped, watch) as again:
        session.seal_left_open(plan, stopped)
        if stopped.unmeasured and role.measure_again is not None:
            role.measure_again(again)
    return stopped


def _confirmed(role: Role, plan: AlignedPlan, run: Run, watch: Sink) -> bool:
    """Offer the other parties to go on.

    Args:
        role: The role.
        plan: What was run.
        run: The run.
        watch: Sees every event as it happens.

    Returns:
        Whether they came, and all have ended together.

    Raises:
        ChannelError: They came, and a line failed.
        IsthmusError: Whatever else stops the role.
    """
    offered = min(plan.party.wait, OFFER)
    brief = replace(plan, party=msgspec.structs.replace(plan.party, wait=offered))
    opened: PartySession[AlignedPlan] | None = None
    with run.locked():
        reopen(run.ledger)
    try:
        with session.begin(brief, run.folder, watch, role.command) as opened:
            role.play(opened)
    except ChannelError:
        if opened is None or opened.met.is_set():
            raise
        return False  # they have finished; if they come later, this command offers it once more
    return True
