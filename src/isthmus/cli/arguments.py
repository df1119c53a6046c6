"""Arguments that several commands share: paths, and nothing else."""

from pathlib import Path
from typing import Annotated

import typer

JobFile = Annotated[
    Path, typer.Argument(metavar="JOB", help="The job file; all parties hold the same one.")
]
PartyFile = Annotated[
    Path, typer.Option("--party", metavar="PARTY", help="This party's own file; it is never sent.")
]
PartyFileIfAny = Annotated[
    Path | None,
    typer.Option(
        "--party",
        metavar="PARTY",
        help="This party's own file; none where one organisation trains by itself.",
    ),
]
OptionalPartyFile = Annotated[
    Path | None,
    typer.Option("--party", metavar="PARTY", help="Also check this party's file, keys and data."),
]
RunFolder = Annotated[
    Path,
    typer.Argument(metavar="RUN", help="A run folder, or a folder of runs for its latest one."),
]
