"""Commands that show and verify the ledger of a party."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isthmus.answers import parts
from isthmus.answers.text import draw, facts
from isthmus.cli.answer import Answer
from isthmus.cli.arguments import RunFolder
from isthmus.cli.files import read
from isthmus.core.errors import SpecError, naming_file

if TYPE_CHECKING:  # commands load what they need when they run
    from isthmus.jobs.result import Exposed
    from isthmus.store.runs import Run


def show(run: RunFolder) -> Answer:
    """Show what left a party, by kind of message; of a simulated run, every party."""
    from isthmus.ledger.record import records
    from isthmus.ledger.summary import summarise

    entries = {name: records(own.ledger) for name, own in _parties(run).items()}
    found = {name: summarise(sent) for name, sent in entries.items()}
    notices = dict.fromkeys(each.notice for sent in entries.values() for each in sent)
    told = [notice for notice in notices if notice]
    exposed = {name: _exposure(own) for name, own in _parties(run).items()}
    sentences = [each.sentence for every in exposed.values() for each in every]
    return Answer(
        {"ledgers": found, "notices": told, "exposure": exposed},
        draw(parts.sent(found, [*told, *sentences])),
    )


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
    from isthmus.ledger.verify import Verdict
    from isthmus.ledger.verify import verify as check

    def checked(own: "Run") -> Verdict:
        if certificate is None and not own.certificate.exists():
            return check(own.ledger)
        owner = certificate or own.certificate
        pem = read(owner)
        with naming_file(owner):
            return check(own.ledger, lambda data, seal: certificates.verify(pem, seal, data))

    verdicts = {name: checked(own) for name, own in _parties(run).items()}
    text = facts((name, str(verdict)) for name, verdict in verdicts.items())
    return Answer({"ledgers": verdicts}, text)


def _exposure(run: "Run") -> "list[Exposed]":
    """What peers were told over all runs of a party, up to this one."""
    from isthmus.jobs.result import WithExposure

    return run.read_json(run.result.name, WithExposure).exposure if run.result.exists() else []


def _parties(path: Path) -> dict[str, "Run"]:
    from isthmus.store.runs import Run, find

    # A party's run, or those of all parties of a simulated run, by folder.
    run = find(path)
    if run.ledger.exists():
        return {run.folder.name: run}
    parties = [Run(folder) for folder in sorted(run.folder.iterdir())]
    found = {party.folder.name: party for party in parties if party.ledger.exists()}
    trainings = sorted({file.parents[1] for file in run.folder.glob(f"*/*/*/{run.ledger.name}")})
    if not found and trainings:
        raise SpecError(
            f"{path}: this run is a search, and each of its trainings has ledgers of its own: name "
            f"the folder of one, such as {trainings[-1]}."
        )
    if not found:
        raise SpecError(f"{path}: this run has no ledger, so nothing was sent.")
    return found
