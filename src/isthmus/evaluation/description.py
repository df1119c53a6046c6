"""Descriptions of a model and a run for reports: plain structs, light to import."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

Metrics = dict[str, dict[str, float]]
"""Value by measure, then by model: `{"auc": {"joint": 0.66, "active_only": 0.61}}`."""

PartialMetrics = Mapping[str, Mapping[str, float | None]]
"""The same where a value is None if there was no such model to compare with."""


class Coefficient(msgspec.Struct, frozen=True):
    """The coefficient of one column of this party."""

    name: str
    per_deviation: float  # per standard deviation of the column
    per_unit: float  # per unit of the column
    error: float | None = None  # standard error, per unit of the column
    z: float | None = None  # coefficient by standard error
    p: float | None = None  # how likely so large a z is, if the true coefficient is zero
    ratio: float | None = None  # of odds, or of means, per unit of the column


class BinPoints(msgspec.Struct, frozen=True):
    """What one bin of one of this party's columns adds to a score."""

    column: str
    bin: str  # which values are in it, in words
    rows: int  # that were trained on
    events: int  # those of them whose label is 1
    weight: float  # of evidence
    points: float | None = None  # None where a job has no scorecard


class PreparedColumn(msgspec.Struct, frozen=True):
    """One of this party's columns, once it was prepared for training."""

    name: str
    information: float | None = None  # information value; None without weight of evidence
    inflation: float | None = None  # variance inflation factor, if columns were compared
    left_out: str = ""  # why it was not trained on


class Importance(msgspec.Struct, frozen=True):
    """The feature importance of one column in a model of trees."""

    name: str  # name of this party's column, or code of another party's column
    count: int  # number of splits
    cover: float | None = None  # sum of the hessians of the rows that were split
    gain: float | None = None  # share of the gain of all splits, in [0, 1]


class Found(msgspec.Struct, frozen=True):
    """How well texts in one language find their translations in another."""

    top1: float  # percent whose nearest text is the translation
    mrr: float  # mean of one over the rank of the translation, in percent


class Retrieved(msgspec.Struct, frozen=True):
    """How well texts in two languages find each other."""

    top1: float  # the mean of both ways
    mrr: float
    forth: Found  # texts in the left language look for those in the right one
    back: Found


class LanguagePair(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Retrieval between two languages, in one set of texts."""

    data: str  # name of the set
    left: str
    right: str
    rows: int
    in_domain: bool  # held-out documents of a corpus that was trained on
    trained: bool  # a corpus has texts in both languages; if not, this is zero-shot
    methods: dict[str, Retrieved]
    layers: list[Retrieved] = []  # vectors after each layer, with CSLS; the first: before any


@dataclass(frozen=True)
class Description:
    """This party's part of a model, for its report."""

    coefficients: list[Coefficient] = field(default_factory=list[Coefficient])
    intercept: float | None = None
    importance: list[Importance] = field(default_factory=list[Importance])
    errors: str = ""  # what standard errors mean, in a sentence
    ratio: str = ""  # what the ratio of a coefficient is of


class Learned(msgspec.Struct, frozen=True):
    """The knowledge that one party gained from the messages of one type."""

    message: str
    direction: str  # for example "clinic → insurer"
    learns: str  # one clause
    protection: str
    count: int
    bytes: int
    tells: bool = True  # something about data or labels; old runs do not say, so it may


def measured(metrics: PartialMetrics) -> Metrics:
    """Returns the metrics of the models that there were."""
    return {
        measure: {model: value for model, value in values.items() if value is not None}
        for measure, values in metrics.items()
    }
