"""The parts that all report pages share: their fields, and templates filled into one HTML file.

A page loads nothing from the network.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.filesize import decimal

from isthmus.core.durations import duration
from isthmus.evaluation.description import Learned


class Sent(msgspec.Struct, frozen=True):
    """One row of the summary of this party's ledger."""

    message: str
    to: str
    purpose: str
    count: int
    bytes: int
    content: str
    protection: str
    first: float  # seconds since 1970
    last: float


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of every page: one run at one party. Empty fields are left out of the page."""

    job: str
    digest: str
    party: str = ""  # empty in a job of one organisation, as are `role` and `peers`
    role: str = ""
    peers: list[str] = []
    version: str
    started: float  # seconds since 1970
    seconds: float
    stages: dict[str, float] = {}  # seconds
    learned: list[Learned] = []
    engine: str = ""  # what computed this party's encryption, where engines differ in that
    sent: list[Sent] = []
    exposure: list[str] = []  # what peers were told over all runs, a sentence each
    verdict: str = ""
    warnings: list[str] = []
    missing: dict[str, str] = {}  # why a figure or a comparison is missing, by its name


class Crossed(msgspec.Struct, frozen=True):
    """Messages of one type in one direction: what they told, and what they held if we sent them."""

    message: str
    direction: str
    learns: str
    protection: str
    count: int
    bytes: int
    content: str  # empty for what others sent: our ledger is of our own messages


def fill(template: str, page: Page, **shown: object) -> str:
    """Fill a template with a page.

    Args:
        template: File name of a template that extends `page.html.jinja`.
        page: The fields; the template calls them `report`.
        **shown: Other variables of the template.

    Returns:
        HTML that includes styles and figures.
    """
    rows = crossed(page)
    html = (
        _environment()
        .get_template(template)
        .render(
            report=page,
            most_rows=_MOST_ROWS,
            contents=_CONTENTS,
            telling=[row for row, tells in rows if tells],
            others=[row for row, tells in rows if not tells],
            **shown,
        )
    )
    return _with_contents(html)


def crossed(page: Page) -> list[tuple[Crossed, bool]]:
    """Put what was learned and what the ledger holds into one list.

    Args:
        page: The fields of the page.

    Returns:
        Each type of messages in each direction, and whether it tells of data or labels; our own
        messages first.
    """
    held = {(row.message, row.to): row.content for row in page.sent}
    ours = f"{page.party} → "
    rows = [
        (
            Crossed(
                message=each.message,
                direction=each.direction,
                learns=each.learns,
                protection=each.protection,
                count=each.count,
                bytes=each.bytes,
                content=held.get((each.message, each.direction.removeprefix(ours)), ""),
            ),
            each.tells,
        )
        for each in page.learned
    ]
    return sorted(rows, key=lambda row: not row[0].direction.startswith(ours))


def _with_contents(html: str) -> str:
    """Give every heading a place to jump to, and list the places at the top."""
    titles = list[str]()

    def numbered(found: re.Match[str]) -> str:
        titles.append(found[1])
        return f'<h2 id="part-{len(titles)}">{found[1]}</h2>'

    html = re.sub(r"<h2>(.*?)</h2>", numbered, html)
    links = (
        f'<li><a href="#part-{number}">{title}</a></li>' for number, title in enumerate(titles, 1)
    )
    listed = f'<nav class="contents" aria-label="Contents"><ul>{"".join(links)}</ul></nav>'
    return html.replace(_CONTENTS, listed if len(titles) >= _WORTH_A_LIST else "", 1)


def count(number: int) -> str:
    """Format a whole number."""
    return f"{number:,}"


def measure(value: float) -> str:
    """Format a measure, with four decimals or four significant digits; zeros at the end stay."""
    size = abs(value)
    if size >= _WHOLE:
        return f"{value:,.0f}"
    if value == 0 or _TINY <= size < 1:
        return f"{value:.4f}"
    return f"{value:#,.4g}".rstrip(".")


def score(value: float) -> str:
    """Format a measure between 0 and 1, with three decimals, so that columns are aligned."""
    return f"{value:.3f}" if value == 0 or value >= _LEAST_SCORE else f"< {_LEAST_SCORE}"


def names(found: Sequence[str]) -> str:
    """List names in a sentence; of many names, only the first."""
    if len(found) > _NAMED:
        few = _NAMED - 1
        return f"{', '.join(found[:few])} and {count(len(found) - few)} others"
    *most, last = found or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("isthmus.evaluation.pages", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count,
        "measure": measure,
        "score": score,
        "names": names,
        "size": decimal,
        "duration": duration,
        "moment": _moment,
    }
    return environment


def _moment(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"


_CONTENTS = "<!-- contents -->"  # where the list of sections goes
_WORTH_A_LIST = 3  # sections
_WHOLE = 10_000  # from here on, without decimals
_TINY = 0.001
_MOST_ROWS = 20  # of a table, before the rest is folded
_LEAST_SCORE = 0.001
_NAMED = 4  # most names in a sentence
