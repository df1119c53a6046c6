"""Our side of a job in rounds that Flower carries: it starts our part, and waits until it is over.

The part itself, `flower_app.py`, is played by processes of Flower. They find the files of this
party by what they are started with, and leave what comes of it in the folder of the run.
"""

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from isthmus.core.errors import ChannelError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.flower.launch import App, launch, serve
from isthmus.horizontal.flower.run_files import RunFiles, Settings
from isthmus.horizontal.spec import Rounds
from isthmus.horizontal.system import RoundsOutcome
from isthmus.jobs.rounds.flower_keys import superlink
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.jobs.session import PartySession
from isthmus.store.events import EventLog, follow

APP = App("isthmus.jobs.rounds.flower_app:server", "isthmus.jobs.rounds.flower_app:client")


def train(session: PartySession[RoundsPlan]) -> RoundsOutcome:
    """Train on a federation.

    Args:
        session: The run; processes of Flower go on with its ledger and its events.

    Returns:
        What is in the run folder now.

    Raises:
        ChannelError: The federation cannot be reached, or the run ended without a model for us.
        IsthmusError: At the master: what ended its role.
    """
    plan, run = session.plan, session.run
    with session.ledger.lent(), _shown(session), EventLog(run.events) as log, _stoppable():
        if plan.listens:
            files = RunFiles(_files(session))
            launch(APP, str(plan.party.flower.connection), files, Telemetry(log))
        else:
            Telemetry(log).progress("flower", note=f"requests come here: {run.supernode}")
            run.supernode.touch(mode=0o600)
            serve(superlink(plan), _files(session), run.supernode, _longest(plan))
    ended = RoundsOutcome.load(run.trained, plan.digest)
    if ended is None:
        raise ChannelError(
            f"the run on Flower is over and left no model here. Ask {plan.first!r} why it ended, "
            f"and see {run.supernode}; the same command goes on where it was cut off."
        )
    return ended


def _files(session: PartySession[RoundsPlan]) -> Settings:
    found = {
        "job": session.plan.loaded.path,
        "party": session.plan.party_file,
        "run": session.run.folder,
    }
    return {name: str(Path.cwd() / path) for name, path in found.items()}


def _longest(plan: RoundsPlan) -> float:
    """Seconds until the run should be over: children gather, all rounds, and the model goes out."""
    rounds: Rounds = plan.loaded.spec.rounds
    return plan.party.wait + (rounds.count + 2) * rounds.deadline + plan.party.patience


@contextmanager
def _stoppable() -> Generator[None]:
    """Let a SIGTERM end the block like an error: no SuperNode and no run is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are not ours to handle
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _shown(session: PartySession[RoundsPlan]) -> Generator[None]:
    """Let whoever watches this process see what the processes of Flower tell."""
    over = threading.Event()

    def show() -> None:
        for event in follow(session.run.events, over.is_set):
            session.watch(event)

    viewer = threading.Thread(target=show)
    viewer.start()
    try:
        yield
    finally:
        over.set()
        viewer.join()
