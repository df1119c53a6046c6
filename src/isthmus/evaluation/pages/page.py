"""What every page about a run says: a single file that asks the network for nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.filesize import decimal

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
    """One run at one party; what is empty is left out of the page."""

    job: str
    digest: str
    party: str = ""  # nothing where one organisation trained by itself, as in the two below
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


def fill(template: str, page: Page, **shown: object) -> str:
    """Make a page.

    Args:
        template: File name of a template that extends `page.html.jinja`.
        page: What it shows, as `report`.
        **shown: What else the template names.

    Returns:
        HTML with its styles and figures in it.
    """
    return _environment().get_template(template).render(report=page, **shown)


def count(number: int) -> str:
    """A whole number for people."""
    return f"{number:,}"


def measure(value: float) -> str:
    """A measure for people, with no more decimals than say something."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.4g}"


def score(value: float) -> str:
    """A measure between 0 and 1 for people, so that those in a column line up."""
    return f"{value:.3f}" if value == 0 or value >= _LEAST_SCORE else f"< {_LEAST_SCORE}"


def names(found: Sequence[str]) -> str:
    """Names in a sentence; of many, the first ones."""
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
        "duration": _duration,
        "moment": _moment,
    }
    return environment


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _moment(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"


_WHOLE = 10_000  # from here on, decimals say nothing
_LEAST_SCORE = 0.001
_NAMED = 4  # with more names than these, a sentence is hard to read
