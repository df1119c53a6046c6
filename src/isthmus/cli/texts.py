"""Encoders of texts in use: vectors, pairs of translations, figures, and mixed-language texts."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from isthmus.answers import parts
from isthmus.answers.text import draw, page, table
from isthmus.cli.answer import Answer
from isthmus.cli.arguments import JobFile, RunFolder


def embed(
    run: RunFolder,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Texts: a line each, or the column `text` of a table."),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the vectors go, as a Parquet file.")
    ],
) -> Answer:
    """Turn the texts of a file into vectors, with the encoder of a run."""
    from isthmus.jobs.texts import embed as encode

    found = encode(run, file, out)
    text = f"{out}: {found.texts:,} vectors of {found.size} numbers."
    return Answer({"vectors": str(out), **msgspec.to_builtins(found)}, page(text))


def mine(
    run: RunFolder,
    left: Annotated[
        Path, typer.Argument(metavar="LEFT", help="Texts in one language, a line each.")
    ],
    right: Annotated[Path, typer.Argument(metavar="RIGHT", help="Texts in another language.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the pairs go, as a .tsv file.")],
    score: Annotated[
        Literal["dense", "lexical", "fused"],
        typer.Option(help="Vectors; the mined dictionary with characters; or all of them."),
    ] = "fused",
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="MARGIN",
            help="The least margin of a pair. None: chosen on texts that are held out.",
        ),
    ] = None,
) -> Answer:
    """Find texts of two files that are translations of each other, one to one."""
    from isthmus.jobs.texts import mine as find

    found = find(run, left, right, out, score, threshold)
    value = {"pairs_file": str(out), **msgspec.to_builtins(found)}
    return Answer(value, page(f"{out}:", draw(parts.mined(found))))


def evaluate(
    run: RunFolder,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Tables with a column per language, or NAME.LANGUAGE.txt files in step.",
        ),
    ],
) -> Answer:
    """Measure the encoder of a run on translations that it was not trained on."""
    from isthmus.jobs.texts import evaluate as measure

    found = measure(run, files)
    return Answer(found, draw(parts.scored(found)))


def mix(
    job: JobFile,
    show: Annotated[
        int, typer.Option(metavar="COUNT", min=1, max=10_000, help="How many texts to show.")
    ] = 20,
) -> Answer:
    """Show texts of a job beside the mixed-language texts that training makes of them."""
    from isthmus.jobs.texts import mix as make

    found = make(job, show)
    lines = [
        (each.language, each.original, ", ".join(each.languages), each.mixed) for each in found
    ]
    headings = ("language", "text", "languages", "mixed-language text")
    return Answer({"texts": msgspec.to_builtins(found)}, table(headings, lines))
