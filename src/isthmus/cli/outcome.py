"""The tables at the end of a run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table

from isthmus.cli.layout import facts, page, size, table

if TYPE_CHECKING:  # commands load what they need when they run
    from isthmus.jobs.result import (
        Alignment,
        AlignmentResult,
        Result,
        RoundsResult,
        Simulated,
        SimulatedAlignment,
        SimulatedRounds,
        SimulationResult,
    )
    from isthmus.store.runs import Run

MODELS = {
    "": "joint",
    "_active_only": "active party alone",
    "_central": "pooled",
    "_xgboost": "XGBoost, pooled",
}
"""Which model a metric is of, by the end of its name."""


def of_party(result: "Result", run: "Run") -> Group:
    """One party's end of a run.

    Args:
        result: What the run says about itself.
        run: Where it lies.

    Returns:
        The page.
    """
    lines = [
        *_course(result),
        ("seconds", f"{result.seconds['total']:.1f}"),
        ("sent", size(result.egress.bytes)),
        ("run", run.folder),
        ("report", run.report),
    ]
    return page(_measures(result.metrics), facts(lines)) if result.metrics else page(facts(lines))


def of_simulation(result: "SimulationResult") -> Group:
    """The end of a simulated run.

    Args:
        result: What all parties say about it.

    Returns:
        The page.
    """
    lines = [
        *_course(result),
        *_spent(result),
        *_reports(result.reports),
    ]
    return page(_measures(result.metrics), facts(lines))


def of_rounds(result: "RoundsResult", run: "Run") -> Group:
    """One party's end of a run in rounds.

    Args:
        result: What the run says about itself.
        run: Where it lies.

    Returns:
        The page.
    """
    lines = [
        ("training", result.ending),
        *((name.replace("_", " "), _number(value)) for name, value in result.metrics.items()),
        *_suspects(result.suspects),
        ("seconds", f"{result.seconds['total']:.1f}"),
        ("sent", size(result.egress.bytes)),
        ("network", run.network),
        ("run", run.folder),
        ("report", run.report),
    ]
    return page(facts(lines))


def of_simulated_rounds(result: "SimulatedRounds") -> Group:
    """The end of a simulated run in rounds.

    Args:
        result: What all parties say about it.

    Returns:
        The page.
    """
    names = list(dict.fromkeys(name for values in result.metrics.values() for name in values))
    heads = ("", *(f"{measure.replace('_', ' ')} #" for measure in result.metrics))
    rows = (
        (name, *(_number(values.get(name)) for values in result.metrics.values())) for name in names
    )
    weighed = ((child, f"{weight:.3f}") for child, weight in result.weights.items())
    lines = [
        ("training", result.ending),
        *_suspects(result.suspects),
        *_spent(result),
        *_reports(result.reports),
    ]
    weights = [table(("child", "weight in the last round #"), weighed)] if result.weights else []
    return page(table(heads, rows), *weights, facts(lines))


def _spent(result: "Simulated") -> list[tuple[str, object]]:
    sent = ((f"{party} sent", size(each.bytes)) for party, each in result.egress.items())
    return [("seconds", f"{result.seconds['simulation']:.1f}"), *sent]


def _reports(found: Mapping[str, str]) -> list[tuple[str, object]]:
    return [(f"{party}'s report", path) for party, path in found.items()]


def _suspects(found: Mapping[str, list[str]]) -> list[tuple[str, object]]:
    return [(f"look after {child}", "; ".join(why)) for child, why in found.items()]


def of_alignment(result: "AlignmentResult", places: Mapping[str, str]) -> Group:
    """One party's end of a run that only aligned.

    Args:
        result: What the run says about itself.
        places: Where it left what, by name.

    Returns:
        The page.
    """
    lines = [
        *_aligned(result.alignment),
        ("seconds", f"{result.seconds['total']:.1f}"),
        ("sent", size(result.egress.bytes)),
        *places.items(),
    ]
    return page(facts(lines))


def of_simulated_alignment(result: "SimulatedAlignment", run: "Run") -> Group:
    """The end of a simulated run that only aligned.

    Args:
        result: What all parties say about it.
        run: Where it lies.

    Returns:
        The page.
    """
    lines = [
        *_aligned(result.alignment),
        *_spent(result),
        ("run", run.folder),
    ]
    return page(facts(lines))


def _aligned(alignment: "Alignment") -> list[tuple[str, object]]:
    told = "not told to this party" if alignment.size is None else f"{alignment.size:,}"
    return [("rows shared", told), *_method(alignment)]


def _method(alignment: "Alignment") -> list[tuple[str, object]]:
    found = "found by an earlier run" if alignment.reused else "found in this run"
    lines: list[tuple[str, object]] = [("alignment", f"{alignment.method}, {found}")]
    return [*lines, ("notice", alignment.notice)] if alignment.notice else lines


def _course(result: "Result | SimulationResult") -> list[tuple[str, object]]:
    size, rows = result.alignment.size, result.rows
    return [
        ("rows shared", f"{size:,}: {rows['train']:,} trained on, {rows['test']:,} scored"),
        *_method(result.alignment),
        ("training", result.ending),
    ]


def _measures(metrics: Mapping[str, float]) -> Table:
    """One row per measure, one column per model that has any."""
    names = [name for name in metrics if not name.endswith(tuple(MODELS)[1:])]
    ends = [end for end in MODELS if any(name + end in metrics for name in names)]
    rows = ((name.upper(), *(_number(metrics.get(name + end)) for end in ends)) for name in names)
    return table(("on the test rows", *(f"{MODELS[end]} #" for end in ends)), rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
