"""One page about one run at one party: a single file that asks the network for nothing."""

from datetime import UTC, datetime

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.filesize import decimal

from isthmus.evaluation import figures
from isthmus.evaluation.classification import KsCurve, LiftRow, Roc


class Measure(msgspec.Struct, frozen=True):
    """One measure on the test rows, for the joint model and what it is compared with."""

    name: str  # for example "AUC"
    joint: float
    own: float | None = None  # a model of this party's columns alone
    central: float | None = None  # a model of all parties' columns on one machine
    higher_is_better: bool = True


class Coefficient(msgspec.Struct, frozen=True):
    """What the model makes of one column of this party."""

    name: str
    per_deviation: float
    per_unit: float


class Importance(msgspec.Struct, frozen=True):
    """What the splits of a model's trees make of one feature."""

    name: str  # of this party's columns; a code where another party knows the name
    count: int  # how many splits
    cover: float | None = None  # sum of the hessians of the rows that were split
    gain: float | None = None  # share of the gain of all splits, in [0, 1]


class Convergence(msgspec.Struct, frozen=True):
    """How the training went, one value per round; what this party does not know is empty."""

    rounds: list[int] = []
    loss: list[float] = []
    gradient_norm: list[float] = []


class Learned(msgspec.Struct, frozen=True):
    """What one party learned from the messages of one type."""

    message: str
    direction: str  # for example "clinic → insurer"
    learns: str  # one clause
    protection: str
    count: int
    bytes: int


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


class Data(msgspec.Struct, frozen=True):
    """How many rows and columns went in."""

    columns: int  # of this party, in the model
    rows: int  # of this party
    shared: int
    train: int
    test: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page shows; what is empty or `None` is left out of it."""

    job: str
    digest: str
    party: str
    role: str
    peers: list[str]
    version: str
    started: float  # seconds since 1970
    seconds: float
    data: Data
    measures: list[Measure] = []
    roc: dict[str, Roc] = {}  # by model
    ks: KsCurve | None = None
    lift: list[LiftRow] = []
    coefficients: list[Coefficient] = []
    intercept: float | None = None
    importance: list[Importance] = []
    convergence: Convergence = Convergence()
    stages: dict[str, float] = {}  # seconds
    learned: list[Learned] = []
    cluster_auc: float | None = None  # of labels, from the nodes that another party saw
    sent: list[Sent] = []
    verdict: str = ""
    warnings: list[str] = []


def render(report: Report) -> str:
    """Make the page.

    Args:
        report: What it shows.

    Returns:
        HTML with its styles and figures in it.
    """
    template = _environment().get_template("report.html.jinja")
    largest = max((abs(c.per_deviation) for c in report.coefficients), default=0.0)
    return template.render(
        report=report,
        headline=headline(report),
        result_figures=_result_figures(report),
        training_figures=_training_figures(report),
        largest_gain=max((each.gain or 0.0 for each in report.importance), default=0.0) or 1.0,
        coefficients=sorted(report.coefficients, key=lambda c: -abs(c.per_deviation)),
        largest=largest or 1.0,
    )


def headline(report: Report) -> str:
    """The result of a run in one or two sentences.

    Args:
        report: All that is known.

    Returns:
        Plain text.
    """
    peers = " and ".join(report.peers)
    if not report.measures:
        return (
            f"{report.party} and {peers} trained one model on {_count(report.data.train)} shared "
            f"rows, {_count(report.data.columns)} of its columns from {report.party}. Nothing is "
            "measured here: that takes test rows with different labels."
        )
    measure = report.measures[0]
    sentence = _comparison(measure, report.party, peers)
    if measure.central is not None:
        sentence += f" Pooling all columns on one machine would give {_measure(measure.central)}."
    return f"{sentence} Measured on {_count(report.data.test)} test rows."


def _comparison(measure: Measure, party: str, peers: str) -> str:
    name, joint = measure.name, _measure(measure.joint)
    if measure.own is None:
        return f"The joint model with {peers} reaches {name} {joint}."
    gain = measure.joint - measure.own if measure.higher_is_better else measure.own - measure.joint
    if gain <= 0:
        return (
            f"The columns of {peers} did not help: {name} is {joint} together and "
            f"{_measure(measure.own)} with the columns of {party} alone."
        )
    verb = "raise" if measure.higher_is_better else "lower"
    return f"The columns of {peers} {verb} {name} from {_measure(measure.own)} to {joint}."


def _result_figures(report: Report) -> list[str]:
    drawn: list[str] = []
    if report.roc:
        drawn.append(figures.roc_figure(report.roc))
    if report.ks:
        drawn.append(figures.ks_figure(report.ks))
    if report.lift:
        drawn.append(figures.lift_figure(report.lift))
    return drawn


def _training_figures(report: Report) -> list[str]:
    drawn: list[str] = []
    course = report.convergence
    if course.loss or course.gradient_norm:
        drawn.append(figures.convergence_figure(course.rounds, course.loss, course.gradient_norm))
    if report.stages:
        drawn.append(figures.timing_figure(report.stages))
    return drawn


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("isthmus.evaluation", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": _count,
        "measure": _measure,
        "size": decimal,
        "duration": _duration,
        "moment": _moment,
    }
    return environment


def _count(number: int) -> str:
    return f"{number:,}"


def _measure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.4g}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _moment(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"


_WHOLE = 10_000  # from here on, decimals say nothing
