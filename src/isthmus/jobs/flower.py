"""Master and child of a job in rounds as the two halves of a Flower app.

Processes of Flower load this, and nothing else does. A child's process lives for one request:
what lasts between requests is in the folder of the run, which `isthmus run` holds meanwhile.
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
from isthmus.jobs import rounds
from isthmus.jobs.begun import Begun, take_part
from isthmus.jobs.connection import for_the_peer
from isthmus.jobs.messages import Hello
from isthmus.jobs.plan import SamplesPlan, make_plan
from isthmus.jobs.reception import Greeted
from isthmus.jobs.systems import horizontal_of
from isthmus.nn import threads
from isthmus.store.runs import Run

LASTING = (Hello, Instruction)
"""What a child's role needs in every replay: who we are, and what is trained."""


def play_master(files: Settings, nodes: Nodes) -> None:
    """The master's role, from its beginning to its end."""
    with _taking_part(files) as begun:
        if RoundsOutcome.load(begun.run.trained, begun.plan.digest):
            return  # a process that was left behind has ended the rounds, while we waited for it
        lead = rounds.leader(begun)
        job = begun.plan.job
        deadline = horizontal_of(job).spec(job).rounds.deadline
        lines = [
            Greeted(begun.recorded(nodes.line(child, deadline, LASTING)), begun.greet)
            for child in begun.plan.neighbours
        ]
        with closing(Inbox(EncoderRequest, lines)) as all_lines:
            lead(all_lines)


def play_child(files: Settings, replay: Replay) -> None:
    """Replay a child's role for one request."""
    with _taking_part(files) as begun:
        follow = rounds.follower(begun)
        master = replay.line(begun.plan.first, begun.recorded)
        begun.greet(master)
        follow(master)


@contextmanager
def _taking_part(files: Settings) -> Generator[Begun[SamplesPlan]]:
    try:
        job, party, run = (Path(files[name]) for name in ("job", "party", "run"))
    except KeyError:
        raise SpecError(
            "this SuperNode does not know the files of its party: let `isthmus run` start it."
        ) from None
    plan = make_plan(job, party)
    if not isinstance(plan, SamplesPlan):
        raise SpecError(f"{job}: the parties of this job align rows, which Flower does not carry.")
    threads.use(plan.party.workers)
    place = Run(run)
    with place.in_turn(), take_part(plan, place) as begun:
        try:
            yield begun
        finally:  # also where a replay ends in the middle of the role
            begun.leave_learned()


server = server_app(play_master)
client = client_app(play_child, for_the_peer)
