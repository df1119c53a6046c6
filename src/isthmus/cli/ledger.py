"""What left a party, from its ledger."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from isthmus.cli.answer import Answer
from isthmus.cli.arguments import RunFolder
from isthmus.cli.files import about, read
from isthmus.cli.layout import facts, page, size, table
from isthmus.core.errors import SpecError


def show(run: RunFolder) -> Answer:
    """Show what left a party, by kind of message; of a simulated run, every party."""
    from isthmus.ledger.record import records
    from isthmus.ledger.summary import Row, summarise

    def lines(row: Row) -> tuple[str, ...]:
        span = f"{_clock(row.first)} - {_clock(row.last)}"
        count, total = f"{row.count:,}", size(row.bytes)
        return row.message, row.to, count, total, row.content, row.protection, row.purpose, span

    headings = ("message", "to", "times #", "bytes #", "holds", "protection", "purpose", "UTC")
    found = {name: summarise(records(path)) for name, path in _ledgers(run).items()}
    parts: list[RenderableType] = []
    for name, rows in found.items():
        total = sum(row.bytes for row in rows)
        parts += [f"{name} sent {size(total)}:", table(headings, map(lines, rows))]
    return Answer({"ledgers": found}, page(*parts))


def verify(
    run: RunFolder,
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="CERT",
            help="The certificate that the seal is checked with; by default the one in RUN.",
        ),
    ] = None,
) -> Answer:
    """Check that a ledger is whole and as it was written; of a simulated run, every party's."""
    from isthmus.crypto import certificates
    from isthmus.jobs.report import CERTIFICATE
    from isthmus.ledger.verify import Verdict
    from isthmus.ledger.verify import verify as check

    def checked(ledger: Path) -> Verdict:
        theirs = ledger.parent / CERTIFICATE
        if certificate is None and not theirs.exists():
            return check(ledger)
        owner = certificate or theirs
        pem = read(owner)
        with about(owner):
            return check(ledger, lambda data, seal: certificates.verify(pem, seal, data))

    verdicts = {name: checked(ledger) for name, ledger in _ledgers(run).items()}
    text = facts((name, str(verdict)) for name, verdict in verdicts.items())
    return Answer({"ledgers": verdicts}, text)


# The ledger of a party's run, or those of all parties of a simulated run, by folder.
def _ledgers(path: Path) -> dict[str, Path]:
    from isthmus.store.runs import Run, find

    run = find(path)
    if run.ledger.exists():
        return {run.folder.name: run.ledger}
    parties = {folder.name: Run(folder).ledger for folder in sorted(run.folder.iterdir())}
    found = {name: ledger for name, ledger in parties.items() if ledger.exists()}
    if not found:
        raise SpecError(f"{path}: this run has no ledger, so nothing was sent.")
    return found


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"
