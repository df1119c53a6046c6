"""The model of a finished run as files that need no isthmus."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.answers.text import indented, page
from isthmus.cli.answer import Answer
from isthmus.cli.arguments import RunFolder


def export(
    run: RunFolder,
    into: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    since: Annotated[
        int | None,
        typer.Option(
            metavar="SNAPSHOT",
            min=0,
            help="Number of a snapshot: only rows that changed or were evicted since then.",
        ),
    ] = None,
) -> Answer:
    """Write the model of a run of one organisation for use elsewhere."""
    import msgspec

    from isthmus.jobs.trained import export as write

    found = write(run, into, since)
    rows = f"{found.rows:,} rows" if since is None else f"{found.rows:,} rows that changed"
    of = "" if found.snapshot is None else f"snapshot {found.snapshot}, "
    gone = "" if since is None else f" since snapshot {since}, {found.evicted:,} ids evicted"
    text = page(f"{into}: {of}{rows}{gone}.", indented(found.files))
    return Answer({"folder": str(into), **msgspec.to_builtins(found)}, text)
