"""Scores of new rows by the model of a finished run."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.answers import parts
from isthmus.answers.text import page
from isthmus.cli.answer import Answer
from isthmus.cli.arguments import RunFolder


def predict(
    run: RunFolder,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The rows, with the columns of those that the run trained on."
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the scores go: a .parquet or .csv file.")
    ],
) -> Answer:
    """Score the rows of a file with the model of a run of one organisation."""
    from isthmus.jobs.trained import predict as score

    found = score(run, file, out)
    compared = {"stability": found.stability, "missing": found.missing}
    value = {
        "scores": str(out),
        "rows": found.rows,
        "columns": list(found.columns),
        **{name: each for name, each in compared.items() if each},
    }
    columns = ", ".join(found.columns)
    told = parts.compared(found.stability, found.missing)
    return Answer(value, page(f"{out}: {found.rows:,} rows with the columns {columns}.", *told))
