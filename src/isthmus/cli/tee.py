"""Enclaves: what they prove of themselves."""

from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from isthmus.answers.text import facts, indented, page, table
from isthmus.cli.answer import Answer
from isthmus.cli.files import read
from isthmus.core.errors import naming_file

if TYPE_CHECKING:  # commands load what they need when they run
    from isthmus.tee.inspection import Inspection

_TITLES = {
    "sgx": "quote of an Intel SGX enclave",
    "tdx": "quote of an Intel TDX virtual machine",
    "snp": "report of an AMD SEV-SNP virtual machine",
    "nitro": "document of an AWS Nitro enclave",
    "simulated": "statement of a simulated enclave",
}

_HEX_WIDTH = 64


def inspect(
    evidence: Annotated[
        Path,
        typer.Argument(
            metavar="EVIDENCE",
            help="A quote, report or document as the hardware made it, or evidence of a run.",
        ),
    ],
    endorsements: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What its maker vouches with: collateral as JSON (Intel), certificates (AMD).",
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            metavar="TIME",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
            help="Verify as of this day or minute in UTC, for example 2026-01-31T17:30; else now.",
        ),
    ] = None,
) -> Answer:
    """Show what an enclave proves of itself, and verify it; no party's policy is asked."""
    from isthmus.tee import inspection

    at_time = at.replace(tzinfo=UTC) if at else datetime.now(UTC)
    content, vouching = read(evidence), read(endorsements) if endorsements else None
    with naming_file(evidence):
        found = inspection.inspect(inspection.parse(content, vouching), at_time)
    return Answer(found, page(f"{_verdict(found)}\n", *_contents(found), _dates(found)))


def _verdict(found: "Inspection") -> str:
    from isthmus.tee.evidence import SIMULATION

    when = f"{found.at:%Y-%m-%d at %H:%M} UTC"
    if not found.verified:
        verdict = f"NOT VERIFIED for {when}, so do not rely on what it says: {found.reason}"
    elif found.protects:
        verdict = (
            f"Verified for {when}: such hardware made it. Whether to trust its code is yours to "
            "say, in policy.enclaves of your party file."
        )
    else:
        verdict = f"Whole for {when}, but anybody can make such a statement."
    return verdict if found.protects else f"{SIMULATION}\n{verdict}"


def _contents(found: "Inspection") -> list[RenderableType]:
    untold = "not told by its maker" if found.verified else "unknown"
    lines = [
        ("kind", _TITLES[found.kind]),
        ("signer", found.signer or "nobody"),
        ("firmware", found.tcb_level or untold),
        ("advisories", ", ".join(found.advisories) or "none told"),
        ("report data", "\n".join(wrap(found.report_data, _HEX_WIDTH)) or "none"),
    ]
    if not found.verified or not found.protects:  # nothing to copy into a policy
        return [facts([*lines, *found.registers.items()])]
    registers = [f'{name} = "{value}"' for name, value in found.registers.items()]
    return [
        facts(lines),
        "\nIf it is your own build, this trusts it; leave out what may differ between machines:",
        indented(["[[policy.enclaves.measurements]]", *registers]),
    ]


def _dates(found: "Inspection") -> RenderableType:
    if not found.validity:
        return page("\nNothing that came with it says when it is valid.")
    rows = [
        (one.name, f"{one.since:%Y-%m-%d %H:%M}", f"{one.until:%Y-%m-%d %H:%M}")
        for one in found.validity
    ]
    return table(("vouched for by", "valid from UTC", "until"), rows)
