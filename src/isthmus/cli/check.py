"""Is a job, and one party's side of it, ready to run?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from isthmus.cli.answer import Answer
from isthmus.cli.arguments import JobFile, OptionalPartyFile
from isthmus.cli.layout import facts, indented, page, table

if TYPE_CHECKING:  # commands load what they need when they run
    from isthmus.jobs.check import Checked
    from isthmus.jobs.plan import Ready


def check(job: JobFile, party: OptionalPartyFile = None) -> Answer:
    """Validate the files and print the plan; nobody is contacted."""
    from isthmus.jobs.check import check as validate

    found = validate(job, party)
    return Answer(found, page(*_parts(found)))


def _parts(found: "Checked") -> Iterator[RenderableType]:
    yield facts([("job", found.job), ("digest", found.digest), *found.parties.items()])
    yield ""
    yield indented(f"{number}. {step}" for number, step in enumerate(found.steps, 1))
    if found.parties:
        rows = ((told.message, told.reveals) for told in found.disclosed)
        yield table(("message that tells something", "what its reader learns"), rows)
    if found.ready is None:
        yield "The job is valid. Add --party to check a party's file, keys and data."
        return
    yield facts(_ready(found.ready))
    yield f"{found.ready.party or 'The job'} is ready to run."


def _ready(ready: "Ready") -> Iterator[tuple[str, object]]:
    if ready.party:
        yield "rows", f"{ready.rows:,}"
    if ready.test_rows is not None:
        yield "test rows", f"{ready.test_rows:,}"
    if ready.columns:
        yield "columns", f"{len(ready.columns):,}: {', '.join(ready.columns)}"
    if ready.address:
        yield "address", ready.address
    if ready.certificate_expires:
        yield "certificate", f"valid until {ready.certificate_expires}"
    if ready.notice:
        yield "notice", ready.notice
    yield from ready.facts.items()
