"""A working example to start from, or a job that scores rows with a model."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from isthmus.answers.text import indented, page
from isthmus.cli.answer import Answer
from isthmus.core.errors import SpecError


def init(
    template: Annotated[
        str,
        typer.Argument(
            metavar="TEMPLATE",
            help="Name of an example, such as health; with --from, the job file.",
        ),
    ],
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A new or empty folder.")
    ] = None,
    trained: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Write a job that scores rows with the model of this run instead.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The data set that this job scores, as parties name it."),
    ] = None,
) -> Answer:
    """Copy an example, with keys for its parties; or write a job that scores with a model."""
    if trained is not None:
        return _scoring_job(trained, Path(template), folder, data)
    return _example(template, folder, data)


def _example(template: str, folder: Path | None, data: str | None) -> Answer:
    """Copy an example.

    Args:
        template: Its name.
        folder: A new or empty folder.
        data: None.

    Returns:
        What to do with it.

    Raises:
        SpecError: There is no folder, or no such example, or data are named.
    """
    from isthmus.jobs import examples

    if data is not None:
        raise SpecError("`--data` names what a job scores, and goes with `--from`.")
    if folder is None:
        raise SpecError(f"name a new folder too: isthmus init {shlex.quote(template)} DIR")
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


def _scoring_job(run: Path, file: Path, folder: Path | None, dataset: str | None) -> Answer:
    """Write a job that scores with the model of a run.

    Args:
        run: The run.
        file: The new job file.
        folder: None.
        dataset: The data set to score; None: the one that was trained on.

    Returns:
        What to do with it.

    Raises:
        SpecError: There is a folder, or the run trained no such model.
    """
    from isthmus.jobs import trained

    if folder is not None:
        raise SpecError(
            "with --from, one name is enough, that of the job file: "
            f"{shlex.join(['isthmus', 'init', '--from', str(run), str(file)])}"
        )
    job = trained.write_scoring_job(run, file, dataset)
    data = job.tables["data"].score
    value = {"job": str(file), "data": data, "disclosed": job.disclosed}
    text = page(
        f"{file} is ready: it scores the data set {data!r}, which each party describes in the "
        f"table [datasets.{data}] of its party file.",
        "Give all parties this file. Then each, as for training:",
        indented([shlex.join(["isthmus", "run", str(file), "--party", "party.toml"])]),
    )
    return Answer(value, text)
