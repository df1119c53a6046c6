"""A whole job on one machine."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from isthmus.cli.answer import Answer, tell
from isthmus.cli.arguments import JobFile
from isthmus.cli.outcome import of_simulated_alignment, of_simulated_rounds, of_simulation
from isthmus.cli.progress import live


def simulate(
    job: JobFile,
    runs: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder in which the run gets its own.")
    ] = Path("runs"),
) -> Answer:
    """Play every party of a job on this machine: own processes, own keys, mutual TLS."""
    from isthmus.jobs.result import (
        SimulatedAlignment,
        SimulatedRounds,
        SimulationResult,
        has_trained,
        in_rounds,
    )
    from isthmus.jobs.simulate import simulate as play

    with live() as watch:
        finished = play(job, runs, watch)
    place = {"run": str(finished.folder)}
    if not has_trained(finished):
        aligned = finished.read_json(finished.result.name, SimulatedAlignment)
        tell(of_simulated_alignment(aligned, finished))
        return Answer(msgspec.to_builtins(aligned) | place)
    if in_rounds(finished):
        rounds = finished.read_json(finished.result.name, SimulatedRounds)
        tell(of_simulated_rounds(rounds))
        return Answer(msgspec.to_builtins(rounds) | place)
    result = finished.read_json(finished.result.name, SimulationResult)
    tell(of_simulation(result))
    return Answer(msgspec.to_builtins(result) | place)
