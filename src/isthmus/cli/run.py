"""One machine's side of a job: all of it, or its alignment alone."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli import outcome
from isthmus.cli.answer import Answer, tell
from isthmus.cli.arguments import JobFile, PartyFile, PartyFileIfAny
from isthmus.cli.progress import Watch, live
from isthmus.core.telemetry import Event, Sink

Into = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder of this run; by default a new one in `runs` beside the party file or job.",
    ),
]
Again = Annotated[
    bool,
    typer.Option(
        "--again", help="Begin another run, although one over the same data has finished."
    ),
]


def run(
    job: JobFile, party: PartyFileIfAny = None, into: Into = None, *, again: Again = False
) -> Answer | None:
    """Play this machine's part: wait for other parties, if any, then train, score and report."""
    from isthmus.jobs.run import run_process

    with live() as watch:
        finished = run_process(job, party, into, _telling(watch), again=again)
    return None if finished is None else outcome.of(finished)


def align(job: JobFile, party: PartyFile, into: Into = None, *, again: Again = False) -> Answer:
    """Find the rows that all parties hold, and keep them for later runs of the job."""
    from isthmus.jobs.run import align as play

    with live() as watch:
        finished = play(job, party, into, _telling(watch), again=again)
    return outcome.of(finished)


def _telling(watch: Watch) -> Sink:
    """Show progress, which goes again; that a run has finished before stays on the terminal."""
    from isthmus.jobs.run import FINISHED

    def see(event: Event) -> None:
        if event.stage == FINISHED:
            tell(event.note)
        else:
            watch("", event)

    return see
