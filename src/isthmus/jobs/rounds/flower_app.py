"""Master and child of a job in rounds as the two halves of a Flower app.

Processes of Flower load this, and nothing else does. A child's process lives for one visit: what
lasts from visit to visit lies in the folder of the run, which `isthmus run` holds meanwhile.
"""

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.horizontal.flower.apps import client_app, server_app
from isthmus.horizontal.flower.nodes import Nodes
from isthmus.horizontal.flower.replay import Replay
from isthmus.horizontal.flower.run_files import Settings
from isthmus.horizontal.messages import EncoderRequest, Instruction
from isthmus.horizontal.rounds.inbox import Inbox
from isthmus.horizontal.system import RoundsOutcome
from isthmus.jobs.connection import for_the_peer
from isthmus.jobs.load import make_plan
from isthmus.jobs.messages import Hello
from isthmus.jobs.rounds import run
from isthmus.jobs.rounds.admission import Greeted
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.jobs.session import PartySession, resumed
from isthmus.nn import threads
from isthmus.store.runs import Run

LASTING = (Hello, Instruction)
"""What a child's role needs in every visit: who we are, and what is trained."""


def play_master(files: Settings, nodes: Nodes) -> None:
    """The master's role, from its beginning to its end."""
    with _taking_part(files) as session:
        if RoundsOutcome.load(session.run.trained, session.plan.digest):
            return  # a process that was left behind has ended the rounds, while we waited for it
        lead = run.leader(session)
        deadline = session.plan.loaded.spec.rounds.deadline
        lines = [
            Greeted(session.recorded(nodes.line(child, deadline, LASTING)), session.greet)
            for child in session.plan.neighbours
        ]
        with closing(Inbox(EncoderRequest, lines)) as all_lines:
            lead(all_lines)


def play_child(files: Settings, replay: Replay) -> None:
    """Replay a child's role for one request."""
    with _taking_part(files) as session:
        follow = run.follower(session)
        master = replay.line(session.plan.first, session.recorded)
        session.greet(master)
        follow(master)


@contextmanager
def _taking_part(files: Settings) -> Generator[PartySession[RoundsPlan]]:
    try:
        job, party, folder = (Path(files[name]) for name in ("job", "party", "run"))
    except KeyError:
        raise SpecError(
            "this SuperNode does not know the files of its party: let `isthmus run` start it."
        ) from None
    plan = make_plan(job, party)
    if not isinstance(plan, RoundsPlan):
        raise SpecError(f"{job}: the parties of this job align rows, which Flower does not carry.")
    threads.use(plan.party.compute.workers or 1)
    place = Run(folder)
    with place.in_turn(), resumed(plan, place) as session:
        try:
            yield session
        finally:  # also where a replay ends in the middle of the role
            session.leave_learned()


server = server_app(play_master)
client = client_app(play_child, for_the_peer)
