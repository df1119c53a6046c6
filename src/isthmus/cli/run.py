"""One party's side of a job: all of it, or its alignment alone."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from isthmus.cli.answer import Answer, tell
from isthmus.cli.arguments import JobFile, PartyFile
from isthmus.cli.outcome import of_alignment, of_party, of_rounds
from isthmus.cli.progress import live

Into = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of this run; by default a new one in the party's `runs`."
    ),
]


def run(job: JobFile, party: PartyFile, into: Into = None) -> Answer:
    """Play this party's role: wait for the others, align, train, score and report."""
    from isthmus.jobs.result import Result, RoundsResult, in_rounds
    from isthmus.jobs.run import run as play

    with live() as watch:
        finished = play(job, party, into, lambda event: watch("", event))
    places = {"run": str(finished.folder), "report": str(finished.report)}
    if in_rounds(finished):
        rounds = finished.read_json(finished.result.name, RoundsResult)
        tell(of_rounds(rounds, finished))
        return Answer(msgspec.to_builtins(rounds) | places)
    result = finished.read_json(finished.result.name, Result)
    tell(of_party(result, finished))
    return Answer(msgspec.to_builtins(result) | places)


def align(job: JobFile, party: PartyFile, into: Into = None) -> Answer:
    """Find the rows that all parties hold, and keep them for later runs of the job."""
    from isthmus.jobs.result import AlignmentResult
    from isthmus.jobs.run import align_only

    with live() as watch:
        finished = align_only(job, party, into, lambda event: watch("", event))
    result = finished.read_json(finished.result.name, AlignmentResult)
    places = {"run": str(finished.folder)}
    if finished.index.exists():
        places["index"] = str(finished.index)
    tell(of_alignment(result, places))
    return Answer(msgspec.to_builtins(result) | places)
