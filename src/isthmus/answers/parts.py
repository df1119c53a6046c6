"""Answers for people as data, which `text.py` and `html.py` draw."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.filesize import decimal as size

from isthmus.core.durations import duration
from isthmus.evaluation.comparison import metrics_table, pairs_table
from isthmus.evaluation.validation import SHIFTED

if TYPE_CHECKING:  # the command line draws with this module before it knows what it will need
    from isthmus.evaluation.validation import Stability
    from isthmus.jobs.check import Checked
    from isthmus.jobs.explain import Explanation, Forecast
    from isthmus.jobs.plan import Estimate, Ready
    from isthmus.jobs.result import Summary
    from isthmus.ledger.summary import Row
    from isthmus.outcomes import MinedPairs, ScoredTexts


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
    yield ""
    if found.settings:
        yield "Settings of the job; all others are the defaults:"
        yield Facts(_few(found.settings))
    else:
        yield "All settings are the defaults."
    if found.parties:
        yield ""
        yield "Messages that tell their reader something:"
        yield Entries([Entry(each.message, lines=[each.reveals]) for each in found.disclosed])
    yield ""
    if found.ready is None:
        yield "The job is valid. Give a party's file too, to check its keys and data."
        return
    yield Facts(list(_ready(found.ready)))
    for warning in found.ready.warnings:
        yield f"Mind: {warning}"
    yield f"{found.ready.party or 'The job'} is ready to run."


def explained(found: "Explanation") -> Iterator[Part]:
    """Yields the page about what would leave a party; beside a finished run, about what left."""
    if not found.party:
        yield found.notice
        yield Facts([("memory", found.memory)])
        return
    compared = any(flow.recorded_count is not None for flow in found.flows)
    headings = ["message", "to", "times #", "size #"]
    if compared:
        headings += ["recorded #", "recorded size #"]
    verb = "sent" if compared else "would send"
    yield f"{found.party} ({found.role}) {verb} {size(found.bytes)}:"
    yield Table(headings, [_flow(flow, compared=compared) for flow in found.flows])
    yield from _read(found.flows)
    yield ""
    yield "Reckoned with:"
    sizes = [(name.replace("_", " "), f"{n:,}") for name, n in found.assumptions.items()]
    engine = [("encryption", f"computed by {found.engine}")] if found.engine else []
    yield Facts([*sizes, ("memory", found.memory), *engine])
    if found.notice:
        yield ""
        yield found.notice


def ended(summary: "Summary") -> Iterator[Part]:
    """Yields the page about the end of a run: metrics, other tables, and facts."""
    if summary.metrics:
        yield Table(*metrics_table(summary.metrics, rows=summary.measured_on))
    for headings, lines in summary.tables:
        yield Table(headings, lines)
    yield Facts(summary.facts)


def mined(found: "MinedPairs") -> Iterator[Part]:
    """Yields the page about pairs of translations that were found."""
    if found.recall is None:
        sure = "nothing is known: none of them is in both languages"
    elif found.precision is None:
        sure = "no pair has such a margin"
    else:
        sure = f"{found.precision:.1%} right, {found.recall:.1%} of the right ones found"
    yield Facts(
        [
            ("pairs", f"{found.pairs:,} of {found.texts[0]:,} and {found.texts[1]:,} texts"),
            ("languages", f"{found.languages[0]} and {found.languages[1]}"),
            ("margin", f"{found.threshold:.3f} at least"),
            ("held-out texts", sure),
        ]
    )


def scored(found: "ScoredTexts") -> Iterator[Part]:
    """Yields the page about how well texts find their translations."""
    yield Table(*pairs_table(found.retrieval.pairs))
    for name, count in found.left_out.items():
        if count:
            yield (
                f"{name}: {count:,} rows are left out, since the encoder was trained on texts of "
                "theirs."
            )


def compared(stability: "Stability | None", missing: str) -> Iterator[str]:
    """Yields how far rows are from those that were trained on, or why nobody knows."""
    if missing:
        yield f"Not compared with the rows that were trained on: {missing}."
    if stability is None:
        return
    indices = {"the scores": stability.score} if stability.score is not None else {}
    indices |= stability.columns
    far = [f"{name} {index:.3f}" for name, index in indices.items() if index >= SHIFTED]
    what = (
        f"shifted are {', '.join(far[:_MOST_COLUMNS])}"
        + (f" and {len(far) - _MOST_COLUMNS:,} more" if len(far) > _MOST_COLUMNS else "")
        if far
        else "no column has shifted"
    )
    yield (
        f"Population stability against the rows that were trained on: {what} (index, from "
        f"{SHIFTED} on; {stability.sampling_noise:.3f} by chance)."
    )
    if stability.missing:
        yield f"No index of the scores: {stability.missing}."


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
        yield "What they were for, and what they held:"
        yield Entries([_held(row) for row in {row.message: row for row in rows}.values()])
        yield ""
    yield from notices


def _ready(ready: "Ready") -> Iterator[tuple[str, str]]:
    if ready.party:
        yield "rows", f"{ready.rows:,}"
    if ready.test_rows is not None:
        yield "test rows", f"{ready.test_rows:,}"
    if ready.columns:
        more = len(ready.columns) - _MOST_COLUMNS
        rest = f" and {more:,} more" if more > 0 else ""
        named = ", ".join(ready.columns[:_MOST_COLUMNS])
        yield "columns", f"{len(ready.columns):,}: {named}{rest}"
    if ready.address:
        yield "address", ready.address
    if ready.certificate_expires:
        yield "certificate", f"valid until {ready.certificate_expires}"
    if ready.notice:
        yield "notice", ready.notice
    yield from ready.facts.items()
    if ready.estimate is not None:
        yield "time", _time(ready.estimate)


def _time(found: "Estimate") -> str:
    """How long a run computes, in words."""
    whole = found.alignment + found.preparation + found.per_round * found.rounds
    if not found.rounds:
        return f"about {duration(whole)} of computing, {_MEASURED}"
    most = "at most " if found.at_most else ""
    rounds = f"{most}{found.rounds:,} round{'' if found.rounds == 1 else 's'}"
    least = found.per_round < 0.05  # noqa: PLR2004 - would read as 0.0 s
    each = f"{'under 0.1 s' if least else duration(found.per_round)} each"
    return f"about {duration(whole)} of computing for {rounds} ({each}), {_MEASURED}"


def _few(settings: Mapping[str, str]) -> list[tuple[str, str]]:
    """Settings and their values, but for those beyond a page."""
    shown = [
        (key, value if len(value) <= _LONGEST else f"{value[: _LONGEST - 3]}...")
        for key, value in list(settings.items())[:_MOST]
    ]
    more = len(settings) - len(shown)
    return [*shown, ("and", f"{more:,} more, which stand in the job file")] if more else shown


_MOST_COLUMNS = 12
"""Columns in a line."""

_MOST = 40
"""Settings on a page."""

_LONGEST = 60
"""Characters of a value."""

_MEASURED = "measured just now on this machine; lines and waiting come on top"


_STAR = (
    "* These tell their reader something about data or labels, and the job's `disclosed` agrees to "
    "it:"
)


def _read(flows: Iterable["Forecast"]) -> Iterator[Part]:
    """What messages hold and tell their readers, those that tell something first."""
    kinds = {flow.message: flow for flow in flows}
    telling = [_told(flow) for flow in kinds.values() if flow.disclosed]
    others = [_told(flow) for flow in kinds.values() if not flow.disclosed]
    if telling:
        yield _STAR
        yield Entries(telling)
        yield ""
    yield "The others:" if telling else "None tells its reader anything about data or labels:"
    yield Entries(others)


def _told(flow: "Forecast") -> Entry:
    return Entry(
        flow.message,
        lines=[f"tells {flow.reveals or 'nothing'}", *_holds(flow.content, flow.protection)],
    )


def _holds(content: str, protection: str) -> list[str]:
    return [f"holds {content} ({protection})"] if content else []


def _flow(flow: "Forecast", *, compared: bool) -> list[str]:
    line = [
        f"* {flow.message}" if flow.disclosed else flow.message,
        flow.to,
        f"{flow.count:,}",
        size(flow.bytes),
    ]
    if compared:
        line += [f"{flow.recorded_count or 0:,}", size(flow.recorded_bytes or 0)]
    return line


_LEDGER = ("message", "to", "times #", "size #", "UTC")


def _sent(row: "Row") -> tuple[str, ...]:
    return (
        row.message,
        row.to,
        f"{row.count:,}",
        size(row.bytes),
        f"{_clock(row.first)} - {_clock(row.last)}",
    )


def _held(row: "Row") -> Entry:
    return Entry(row.message, row.purpose, _holds(row.content, row.protection))


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"
