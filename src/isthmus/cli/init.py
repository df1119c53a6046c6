"""A working example to start from, or a job that scores rows with a model."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from isthmus.answers.text import indented, page
from isthmus.cli.answer import Answer
from isthmus.core.errors import SpecError

if TYPE_CHECKING:
    from isthmus.jobs.trained import ScoringJob


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
    *,
    online: Annotated[
        bool, typer.Option("--online", help="Let it score single rows, as one party asks for them.")
    ] = False,
    decide: Annotated[
        float | None,
        typer.Option(
            metavar="CUT",
            help="Let one party learn which scores are above this, in place of all scores.",
        ),
    ] = None,
) -> Answer:
    """Copy an example, with keys for its parties; or write a job that scores with a model."""
    if trained is not None:
        return _scoring_job(trained, Path(template), folder, data, online=online, cut=decide)
    scores = data is not None or online or decide is not None
    return _example(template, folder, scores=scores)


def _example(template: str, folder: Path | None, *, scores: bool) -> Answer:
    """Copy an example.

    Args:
        template: Its name.
        folder: A new or empty folder.
        scores: Whether something was said of a job that scores.

    Returns:
        What to do with it.

    Raises:
        SpecError: There is no folder, or no such example, or it would score.
    """
    from isthmus.jobs import examples

    if scores:
        raise SpecError(
            "`--data`, `--online` or `--decide` says what a job scores, and goes with `--from`."
        )
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


def _scoring_job(
    run: Path,
    file: Path,
    folder: Path | None,
    dataset: str | None,
    *,
    online: bool,
    cut: float | None,
) -> Answer:
    """Write a job that scores with the model of a run.

    Args:
        run: The run.
        file: The new job file.
        folder: None.
        dataset: The data set to score; None: the one that was trained on.
        online: Whether it scores single rows, as the first party asks for them.
        cut: Score above which the first party learns a decision, in place of all scores.

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
    found = trained.write_scoring_job(run, file, dataset, online=online, cut=cut)
    job, used = found.job, found.run.folder
    data = job.tables["data"].score
    value = {"job": str(file), "data": data, "disclosed": job.disclosed, "run": str(used)}
    who = "Then each that is asked" if online else "Then each, as for training"
    text = page(
        f"{file} is ready: it scores the data set {data!r}, which each party describes in the "
        f"table [datasets.{data}] of its party file.",
        *_passed(found),
        f"Give all parties this file. {who}:",
        indented([shlex.join(["isthmus", "run", str(file), "--party", "party.toml"])]),
        *_asking(run, file, online=online),
    )
    return Answer(value, text)


def _passed(found: "ScoringJob") -> list[RenderableType]:
    if found.passed is None:
        return []
    why = "has no model" if found.passed.result.exists() else "has not finished"
    return [f"The latest run, {found.passed.folder}, {why}: the model is of {found.run.folder}."]


def _asking(run: Path, file: Path, *, online: bool) -> list[RenderableType]:
    if not online:
        return []
    opening = f'with isthmus.load("{run}").online("{file}", "party.toml") as scorer:'
    return ["And who asks, in Python:", indented([opening, "    scorer.predict(frame)"])]
