"""What would leave a party, before it does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group

from isthmus.cli.answer import Answer
from isthmus.cli.arguments import JobFile, PartyFileIfAny
from isthmus.cli.layout import facts, page, size, table

if TYPE_CHECKING:  # commands load what they need when they run
    from isthmus.jobs.explain import Explanation, Forecast


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
    return Answer(found, _page(found, compared=run is not None))


def _page(found: "Explanation", *, compared: bool) -> Group:
    if not found.party:
        return page(found.notice)
    headings = ["message", "to", "times #", "bytes #", "holds", "protection", "its reader learns"]
    if compared:
        headings[4:4] = ["times in ledger #", "bytes in ledger #"]
    rows = (_row(flow, compared=compared) for flow in found.flows)
    return page(
        f"{found.party} ({found.role}) {'sent' if compared else 'would send'} {size(found.bytes)}:",
        table(headings, rows),
        "* tells its reader something about the data or labels; the job's `disclosed` agrees to it",
        "",
        "Reckoned with:",
        facts((name.replace("_", " "), f"{n:,}") for name, n in found.assumptions.items()),
        *((f"\n{found.notice}",) if found.notice else ()),
    )


def _row(flow: "Forecast", *, compared: bool) -> list[str]:
    row = [
        flow.message,
        flow.to,
        f"{flow.count:,}",
        size(flow.bytes),
        flow.content,
        flow.protection,
        f"* {flow.reveals}" if flow.disclosed else flow.reveals,
    ]
    if compared:
        row[4:4] = [f"{flow.recorded_count or 0:,}", size(flow.recorded_bytes or 0)]
    return row
