"""Answers for people as data, which `text.py` and `html.py` draw."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.filesize import decimal as size

from isthmus.evaluation.comparison import metrics_table

if TYPE_CHECKING:  # the command line draws with this module before it knows what it will need
    from isthmus.jobs.check import Checked
    from isthmus.jobs.explain import Explanation, Forecast
    from isthmus.jobs.plan import Ready
    from isthmus.jobs.result import Summary
    from isthmus.ledger.summary import Row


@dataclass(frozen=True)
class Table:
    """Lines under headings; a heading that ends in `#` is a column of numbers."""

    headings: Sequence[str]
    lines: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Facts:
    """Names and values, a line each."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Steps:
    """Sentences in order, with numbers before them."""

    sentences: Sequence[str]


@dataclass(frozen=True)
class Entry:
    """A thing, what is said beside it, and sentences about it below."""

    title: str
    beside: str = ""
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Entries:
    """Things with sentences, where a table would be too wide."""

    entries: Sequence[Entry]


Part = str | Table | Facts | Steps | Entries
"""A piece of a page; text is a paragraph."""


def checked(found: "Checked") -> Iterator[Part]:
    """Yields the page about a job that can run."""
    yield Facts([("job", found.job), ("digest", found.digest), *found.parties.items()])
    yield ""
    yield Steps(found.steps)
    if found.parties:
        lines = [(told.message, told.reveals) for told in found.disclosed]
        yield Table(("message that tells something", "what its reader learns"), lines)
    if found.ready is None:
        yield "The job is valid. Give a party's file too, to check its keys and data."
        return
    yield Facts(list(_ready(found.ready)))
    yield f"{found.ready.party or 'The job'} is ready to run."


def explained(found: "Explanation") -> Iterator[Part]:
    """Yields the page about what would leave a party; beside a finished run, about what left."""
    if not found.party:
        yield found.notice
        return
    compared = any(flow.recorded_count is not None for flow in found.flows)
    headings = ["message", "to", "times #", "bytes #", "holds", "protection", "its reader learns"]
    if compared:
        headings[4:4] = ["times in ledger #", "bytes in ledger #"]
    verb = "sent" if compared else "would send"
    yield f"{found.party} ({found.role}) {verb} {size(found.bytes)}:"
    yield Table(headings, [_flow(flow, compared=compared) for flow in found.flows])
    yield _STAR
    yield ""
    yield "Reckoned with:"
    yield Facts([(name.replace("_", " "), f"{n:,}") for name, n in found.assumptions.items()])
    if found.notice:
        yield ""
        yield found.notice


def ended(summary: "Summary") -> Iterator[Part]:
    """Yields the page about the end of a run: metrics, other tables, and facts."""
    if summary.metrics:
        yield Table(*metrics_table(summary.metrics))
    for headings, lines in summary.tables:
        yield Table(headings, lines)
    yield Facts(summary.facts)


def sent(ledgers: Mapping[str, Sequence["Row"]], notices: Iterable[str] = ()) -> Iterator[Part]:
    """Yields the page about what left each party.

    Args:
        ledgers: The rows of the summary of each party's ledger.
        notices: What every reader must know.

    Yields:
        A line and a table for each party, then the notices.
    """
    for party, rows in ledgers.items():
        yield f"{party} sent {size(sum(row.bytes for row in rows))}:"
        yield Table(_LEDGER, [_sent(row) for row in rows])
    yield from notices


def _ready(ready: "Ready") -> Iterator[tuple[str, str]]:
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


_STAR = "* tells its reader something about the data or labels; the job's `disclosed` agrees to it"


def _flow(flow: "Forecast", *, compared: bool) -> list[str]:
    line = [
        flow.message,
        flow.to,
        f"{flow.count:,}",
        size(flow.bytes),
        flow.content,
        flow.protection,
        f"* {flow.reveals}" if flow.disclosed else flow.reveals,
    ]
    if compared:
        line[4:4] = [f"{flow.recorded_count or 0:,}", size(flow.recorded_bytes or 0)]
    return line


_LEDGER = ("message", "to", "times #", "bytes #", "holds", "protection", "purpose", "UTC")


def _sent(row: "Row") -> tuple[str, ...]:
    return (
        row.message,
        row.to,
        f"{row.count:,}",
        size(row.bytes),
        row.content,
        row.protection,
        row.purpose,
        f"{_clock(row.first)} - {_clock(row.last)}",
    )


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"
