"""Encoders of texts in use: vectors, pairs of translations, figures, and mixed-language texts."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from isthmus.answers.text import facts, page, table
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
) -> Answer:
    """Find texts of two files that are translations of each other, one to one."""
    from isthmus.jobs.texts import mine as find

    found = find(run, left, right, out, score)
    lines = [
        ("pairs", f"{found.pairs:,} of {found.texts[0]:,} and {found.texts[1]:,} texts"),
        ("languages", f"{found.languages[0]} and {found.languages[1]}"),
        ("margin", f"{found.threshold:.3f} at least"),
    ]
    if found.precision is not None and found.recall is not None:
        sure = f"{found.precision:.1%} right, {found.recall:.1%} of the right ones found"
        lines.append(("held-out texts", sure))
    return Answer(
        {"pairs_file": str(out), **msgspec.to_builtins(found)}, page(f"{out}:", facts(lines))
    )


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
    from isthmus.evaluation.comparison import pairs_table
    from isthmus.jobs.texts import evaluate as measure

    found = measure(run, files)
    told = [
        f"{name}: {count:,} rows are left out, since the encoder was trained on texts of theirs."
        for name, count in found.left_out.items()
        if count
    ]
    return Answer(found, page(table(*pairs_table(found.retrieval.pairs)), *told))


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
