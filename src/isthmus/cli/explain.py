"""The command that shows what would leave a party, before it does."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.answers import parts
from isthmus.answers.text import draw
from isthmus.cli.answer import Answer
from isthmus.cli.arguments import JobFile, PartyFileIfAny


def explain(
    job: JobFile,
    party: PartyFileIfAny = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="A finished run of this job: compare with what its ledger says."
        ),
    ] = None,
) -> Answer:
    """Show every message that would leave this party, and what its reader learns."""
    from isthmus.jobs.explain import explain as forecast
    from isthmus.jobs.load import make_plan
    from isthmus.store.runs import find

    found = forecast(make_plan(job, party), find(run) if run else None)
    return Answer(found, draw(parts.explained(found)))
