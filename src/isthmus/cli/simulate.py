"""A whole job on one machine."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli import outcome
from isthmus.cli.answer import Answer
from isthmus.cli.arguments import JobFile
from isthmus.cli.progress import live


def simulate(
    job: JobFile,
    runs: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder in which the run gets its own.")
    ] = Path("runs"),
) -> Answer:
    """Play every party of a job on this machine: own processes, own keys, mutual TLS."""
    from isthmus.jobs.simulate import simulate as play

    with live() as watch:
        finished = play(job, runs, watch)
    return outcome.of(finished)
