"""The report page of a run over the columns of several parties."""

import msgspec

from isthmus.evaluation import leaks
from isthmus.evaluation.classification import KsCurve, LiftRow, Roc
from isthmus.evaluation.comparison import metrics_table, title
from isthmus.evaluation.description import (
    BinPoints,
    Coefficient,
    Importance,
    PartialMetrics,
    PreparedColumn,
    measured,
)
from isthmus.evaluation.pages import figures
from isthmus.evaluation.pages.convergence import Convergence, convergence_figure
from isthmus.evaluation.pages.page import Page, count, fill
from isthmus.evaluation.pages.page import measure as shown
from isthmus.evaluation.validation import Stability, Validation


class Measure(msgspec.Struct, frozen=True):
    """One measure on the test rows, for our model and the models that it is compared with."""

    name: str  # for example "AUC"
    ours: float  # of the joint model, or of the only model in a job of one organisation
    own: float | None  # of a model on this party's columns only
    pooled: float | None  # of a model on all parties' columns in one place
    higher_is_better: bool


class Data(msgspec.Struct, frozen=True):
    """Numbers of rows and columns."""

    columns: int  # of this party, in the model
    rows: int  # of this party
    shared: int | None  # None in a job of one organisation
    train: int
    test: int


class VerticalReport(Page, frozen=True, kw_only=True):
    """The fields of the page. Empty fields and None are left out of it."""

    data: Data
    model: str = "a model"  # what it is, in a few words, where one organisation trained by itself
    metrics: PartialMetrics = {}  # of all models; None where a measure is undefined
    roc: dict[str, Roc] = {}  # by model
    ks: KsCurve | None = None
    lift: list[LiftRow] = []
    coefficients: list[Coefficient] = []
    intercept: float | None = None
    errors: str = ""  # what the standard errors of coefficients mean, in a sentence
    ratio: str = ""  # what their ratios are of
    importance: list[Importance] = []
    prepared: list[PreparedColumn] = []  # columns of this party, where the job prepares them
    scorecard: list[BinPoints] = []  # their bins, where there are any
    base_points: float | None = None
    convergence: Convergence = Convergence()
    ending: str = ""  # how training ended, in a few words
    validation: Validation | None = None
    stability: Stability | None = None
    leakage: dict[str, float] = {}  # AUC of another party's guess of the labels, by measure

    @property
    def measures(self) -> list[Measure]:
        """One measure per metric that is defined."""
        return [
            Measure(
                name=title(name),
                ours=values.get("joint", next(iter(values.values()))),
                own=values.get("active_only"),
                pooled=values.get("pooled"),
                higher_is_better=name not in _LOWER_IS_BETTER,
            )
            for name, values in measured(self.metrics).items()
            if values
        ]


def render(report: VerticalReport) -> str:
    """Make the page.

    Args:
        report: The fields of the page.

    Returns:
        HTML that includes styles and figures.
    """
    largest = max((abs(c.per_deviation) for c in report.coefficients), default=0.0)
    return fill(
        "vertical_report.html.jinja",
        report,
        headline=headline(report),
        metrics_table=metrics_table(report.metrics, {"active_only": f"{report.party} alone"}),
        result_figures=figures.score_figures(report.roc, report.ks, report.lift, report.validation),
        training_figures=_training_figures(report),
        validated_rows="test rows with a known label",
        compared_rows="test rows",
        largest_gain=max((each.gain or 0.0 for each in report.importance), default=0.0) or 1.0,
        coefficients=sorted(report.coefficients, key=lambda c: -abs(c.per_deviation)),
        largest=largest or 1.0,
        worst_leak=leaks.worst(report.leakage),
        leak_sentence=leaks.sentence(report.leakage) if report.leakage else "",
    )


def headline(report: VerticalReport) -> str:
    """Summarise the result of a run in one or two sentences.

    Args:
        report: The fields of the page.

    Returns:
        Plain text.
    """
    peers = " and ".join(report.peers)
    if not report.peers:
        return _alone(report)
    if report.role == "passive":
        columns = count(report.data.columns)
        return (
            f"{columns} column{'' if report.data.columns == 1 else 's'} of {report.party} went "
            f"into one model with {peers}, on {count(report.data.train)} shared rows. How good it "
            "is can be measured only where the labels are."
        )
    if not report.measures:
        return (
            f"{report.party} and {peers} trained one model on {count(report.data.train)} shared "
            f"rows, {count(report.data.columns)} of its columns from {report.party}. Nothing is "
            "measured here: that takes test rows with different labels."
        )
    measure = report.measures[0]
    sentence = _comparison(measure, report.party, peers)
    if measure.pooled is not None:
        sentence += f" Pooling all columns on one machine would give {shown(measure.pooled)}."
    return f"{sentence} Measured on {count(report.data.test)} test rows."


def _alone(report: VerticalReport) -> str:
    model = report.model[:1].upper() + report.model[1:]
    trained = f"{model} of {count(report.data.columns)} columns on {count(report.data.train)} rows"
    if not report.measures:
        return f"{trained}. Nothing is measured: that takes test rows with different labels."
    measure = report.measures[0]
    return (
        f"{trained} reaches {measure.name} {shown(measure.ours)}, measured on "
        f"{count(report.data.test)} test rows. A joint run compares itself with this model on the "
        "rows that all parties share."
    )


def _comparison(measure: Measure, party: str, peers: str) -> str:
    name, joint = measure.name, shown(measure.ours)
    if measure.own is None:
        return f"The joint model with {peers} reaches {name} {joint}."
    gain = measure.ours - measure.own if measure.higher_is_better else measure.own - measure.ours
    if gain <= 0:
        return (
            f"The columns of {peers} did not help: {name} is {joint} together and "
            f"{shown(measure.own)} with the columns of {party} alone."
        )
    verb = "raise" if measure.higher_is_better else "lower"
    return f"The columns of {peers} {verb} {name} from {shown(measure.own)} to {joint}."


def _training_figures(report: VerticalReport) -> list[str]:
    drawn: list[str] = []
    curve = report.convergence
    if curve.loss or curve.gradient_norm:
        drawn.append(convergence_figure(curve))
    if report.stages:
        drawn.append(figures.timing_figure(report.stages))
    return drawn


_LOWER_IS_BETTER = frozenset({"rmse", "mae", "deviance", "log_loss"})
