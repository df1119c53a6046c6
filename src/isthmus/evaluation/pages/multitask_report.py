"""The report page of a model with several tasks, trained through a parameter server."""

from collections.abc import Mapping
from math import isnan

import msgspec

from isthmus.evaluation.comparison import metrics_table
from isthmus.evaluation.description import PartialMetrics, measured
from isthmus.evaluation.pages import figures, stream_figures
from isthmus.evaluation.pages.page import Page, count, fill
from isthmus.evaluation.pages.page import measure as shown


class Queue(msgspec.Struct, frozen=True):
    """The queue of one task."""

    task: str
    batches: int  # that were trained on
    trained: int  # samples
    waited: int  # most samples read until one of the queue was trained on


class History(msgspec.Struct, frozen=True):
    """Numbers over time; NaN at a point of time where one is not known."""

    samples: list[int] = []  # trained on at each point of time
    loss: list[float] = []
    speed: list[float] = []  # samples per second
    staleness: list[float] = []  # windows
    rows: list[float] = []
    evicted: list[float] = []
    auc: dict[str, list[float]] = {}  # by task, of samples before they were trained on
    waiting: dict[str, list[float]] = {}  # samples in each queue
    late: list[float] = []  # samples that wait for a late label


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What the parameter server did."""

    samples_per_s: float
    traffic: int  # bytes
    exchanges: int
    staleness: int  # greatest, in windows
    memory: int  # bytes at most
    rows: int
    evicted: int


class MultitaskReport(Page, frozen=True, kw_only=True):
    """The fields of the page. Empty fields and None are left out of it."""

    model: str  # what it is, in a few words
    tasks: list[str]
    features: int
    train: int  # rows
    test: int
    ending: str
    metrics: PartialMetrics = {}
    server: Server | None = None
    queues: list[Queue] = []
    history: History = History()


class Progress(msgspec.Struct, frozen=True):
    """How far the model of one task is above simpler ones, by AUC."""

    task: str
    model: float
    simpler: float | None  # the better of the models that it is compared with
    name: str  # of that one
    ideal: float | None

    @property
    def share(self) -> float | None:
        """Share of the way from the simpler model to the ideal that the model goes."""
        if self.simpler is None or self.ideal is None or self.ideal <= self.simpler:
            return None
        return (self.model - self.simpler) / (self.ideal - self.simpler)


def render(report: MultitaskReport) -> str:
    """Make the page.

    Args:
        report: The fields of the page.

    Returns:
        HTML that includes styles and figures.
    """
    return fill(
        "multitask_report.html.jinja",
        report,
        headline=headline(report),
        progress=progress(report),
        metrics_table=metrics_table(measured(report.metrics)),
        training_figures=_training_figures(report),
    )


def headline(report: MultitaskReport) -> str:
    """Summarise the result of a run in one or two sentences.

    Args:
        report: The fields of the page.

    Returns:
        Plain text.
    """
    trained = f"{report.model[:1].upper()}{report.model[1:]} on {count(report.train)} rows"
    found = progress(report)
    if not found:
        return f"{trained}. Nothing is measured: that takes test rows with different labels."
    reached = " and ".join(f"{shown(each.model)} for {each.task}" for each in found)
    sentence = f"{trained} reaches AUC {reached}, measured on {count(report.test)} test rows."
    first = found[0]
    if first.simpler is None:
        return sentence
    verb = "above" if first.model >= first.simpler else "below"
    return f"{sentence} For {first.task} it is {verb} {first.name} with {shown(first.simpler)}."


def progress(report: MultitaskReport) -> list[Progress]:
    """Compare the AUC of each task with that of the better of the simpler models, and the ideal.

    Args:
        report: The fields of the page.

    Returns:
        One for each task that is measured.
    """
    found = list[Progress]()
    for task in report.tasks:
        values = report.metrics.get(f"auc_{task}", {})
        model = values.get("model")
        if model is None:
            continue
        simpler = {name: values[name] for name in _SIMPLER if values.get(name) is not None}
        best, value = max(simpler.items(), key=_by_value, default=("", None))
        found.append(Progress(task, model, value, _SIMPLER.get(best, ""), values.get("ideal")))
    return found


def _by_value(item: tuple[str, float | None]) -> float:
    return item[1] or 0.0


def _training_figures(report: MultitaskReport) -> list[str]:
    history = report.history
    panels: Mapping[str, Mapping[str, stream_figures.Series]] = {
        "Loss and AUC over time": {
            "loss": {"loss": history.loss},
            "AUC": history.auc,
        },
        "Rows of the table": {
            "rows": {"rows": history.rows},
            "evicted": {"evicted": history.evicted},
        },
        "Speed and staleness": {
            "samples/s": {"samples/s": history.speed},
            "windows": {"windows": history.staleness},
        },
        "Samples that wait": {
            "in queues": history.waiting,
            "for labels": {"for labels": history.late},
        },
    }
    drawn = list[str]()
    for name, given in panels.items():
        known = {axis: _known(series) for axis, series in given.items() if _known(series)}
        if history.samples and known:
            drawn.append(stream_figures.stream_figure(name, history.samples, known))
    if report.stages:
        drawn.append(figures.timing_figure(report.stages))
    return drawn


def _known(series: stream_figures.Series) -> stream_figures.Series:
    """Returns the series that have a number at all."""
    return {name: values for name, values in series.items() if not all(map(isnan, values))}


_SIMPLER = {"linear": "a logistic regression", "boosted": "boosted trees"}
"""Names in sentences of the models to compare with."""
