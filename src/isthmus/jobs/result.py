"""What a finished run says about itself, in result.json.

Results are a tagged union: `kind` is `<family>.<what>`, so that whoever reads one needs to know no
family. Metrics are nested everywhere: value by measure, then by model.
"""

from collections.abc import Mapping, Sequence

import msgspec

from isthmus.evaluation.comparison import compared
from isthmus.evaluation.description import Learned, Metrics

TextTable = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Headings and lines; a heading that ends in `#` is a column of numbers."""


class Egress(msgspec.Struct, frozen=True):
    """What left a party."""

    messages: int
    bytes: int


class AnyResult(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every result says."""

    job: str
    digest: str
    version: str
    seconds: dict[str, float]


class PartyResult(AnyResult, frozen=True, kw_only=True):
    """What every result of one party among others says."""

    party: str
    role: str
    peers: list[str]
    started: str
    rows: dict[str, int]
    egress: Egress
    learned: list[Learned]


class SimulatedResult(AnyResult, frozen=True, kw_only=True):
    """What every result of a simulated run says: all parties were on this machine."""

    parties: dict[str, str]
    egress: dict[str, Egress]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a run for people: what a terminal and a notebook show of it."""

    metrics: Metrics = {}
    tables: Sequence[TextTable] = []

    facts: list[tuple[str, str]] = []


MODELS = {
    "joint": "joint",
    "active_only": "active party alone",
    "pooled": "pooled",
    "xgboost": "XGBoost, pooled",
}
"""How a model is called where people read it, if not by its own name."""


def metrics_table(metrics: Metrics) -> TextTable:
    """Metrics as a table: one line per measure, one column per model.

    Args:
        metrics: Value by measure, then by model.

    Returns:
        Headings, and the cells of each line; an empty cell where a model has no such measure.
    """
    models = list(dict.fromkeys(model for values in metrics.values() for model in values))
    headings = ("on the test rows", *map(_heading, models))
    lines = [
        (_title(measure), *(_number(values.get(model)) for model in models))
        for measure, values in metrics.items()
    ]
    return headings, lines


def tables_by_party(by_party: Mapping[str, Metrics]) -> list[TextTable]:
    """Metrics of several parties as tables: one per measure, one line per party.

    Args:
        by_party: The metrics of each party.

    Returns:
        Headings and lines of each table; none for a measure that a single party has.
    """
    return [
        (
            (f"{_title(found.measure)} at", *map(_heading, found.models)),
            [
                (party, *(_number(values.get(party)) for values in found.models.values()))
                for party in found.parties
            ],
        )
        for found in compared(by_party)
        if len(found.parties) > 1
    ]


def _heading(model: str) -> str:
    return f"{MODELS.get(model, model.replace('_', ' '))} #"


def _title(measure: str) -> str:
    return measure.upper() if measure in _ABBREVIATIONS else measure.replace("_", " ")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


_ABBREVIATIONS = {"auc", "ks", "rmse", "mae", "r2"}
