"""A working example to start from."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from isthmus.answers.text import indented, page
from isthmus.cli.answer import Answer


def init(
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="Name of an example, such as health.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
) -> Answer:
    """Copy an example and make keys for its parties, so that two people can run it."""
    from isthmus.jobs import examples

    made = examples.make(template, folder)
    if not made.parties:
        alone = shlex.join(["isthmus", "run", str(made.job)])
        value = {"job": str(made.job), "parties": {}, "commands": {"run": alone}}
        return Answer(value, page(f"{folder} is ready. Run it:", indented([alone])))
    runs = {
        party: shlex.join(["isthmus", "run", str(made.job), "--party", str(file)])
        for party, file in made.parties.items()
    }
    together = shlex.join(["isthmus", "simulate", str(made.job)])
    value = {
        "job": str(made.job),
        "parties": {party: str(file) for party, file in made.parties.items()},
        "commands": {"simulate": together, "run": runs},
    }
    text = page(
        f"{folder} is ready. Every party on this machine:",
        indented([together]),
        "Or each party by itself, in a terminal of its own:",
        indented(runs.values()),
        "On two machines: give each party the job and its own folder, and put the address of "
        "the one that listens into both party files.",
    )
    return Answer(value, text)
