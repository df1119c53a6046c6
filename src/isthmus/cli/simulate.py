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
    grid: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Train with each of several values: lists in the place of values."
        ),
    ] = None,
) -> Answer:
    """Play every party of a job on this machine: own processes, own keys, mutual TLS."""
    from isthmus.jobs import grid as grids
    from isthmus.jobs.search import search
    from isthmus.jobs.simulate import simulate as play

    wanted = None if grid is None else grids.load(grid)
    with live() as watch:
        finished = search(job, wanted, runs, watch) if wanted else play(job, runs, watch)
    return outcome.of(finished)
