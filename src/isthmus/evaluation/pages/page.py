"""The parts that all report pages share: their fields, and templates filled into one HTML file.

A page loads nothing from the network.
"""

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
    sent: list[Sent] = []
    verdict: str = ""
    warnings: list[str] = []
    missing: dict[str, str] = {}  # why a figure or a comparison is missing, by its name


def fill(template: str, page: Page, **shown: object) -> str:
    """Fill a template with a page.

    Args:
        template: File name of a template that extends `page.html.jinja`.
        page: The fields; the template calls them `report`.
        **shown: Other variables of the template.

    Returns:
        HTML that includes styles and figures.
    """
    return _environment().get_template(template).render(report=page, **shown)


def count(number: int) -> str:
    """Format a whole number."""
    return f"{number:,}"


def measure(value: float) -> str:
    """Format a measure, with four significant digits."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.4g}"


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


_WHOLE = 10_000  # from here on, without decimals
_LEAST_SCORE = 0.001
_NAMED = 4  # most names in a sentence
