"""The tables at the end of a run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table

from isthmus.cli.layout import facts, page, size, table

if TYPE_CHECKING:  # commands load what they need when they run
    from isthmus.jobs.result import Result, SimulationResult
    from isthmus.store.runs import Run

MODELS = {"": "joint", "_active_only": "active party alone", "_central": "pooled"}
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
        ("seconds", f"{result.seconds['simulation']:.1f}"),
        *((f"{party} sent", size(sent.bytes)) for party, sent in result.egress.items()),
        *((f"{party}'s report", path) for party, path in result.reports.items()),
    ]
    return page(_measures(result.metrics), facts(lines))


def _course(result: "Result | SimulationResult") -> list[tuple[str, object]]:
    rows, rounds = result.rows, f"{result.rounds} rounds"
    return [
        (
            "rows shared",
            f"{result.alignment.size:,}: {rows['train']:,} trained on, {rows['test']:,} scored",
        ),
        ("converged", f"after {rounds}" if result.converged else f"no, stopped after {rounds}"),
    ]


def _measures(metrics: Mapping[str, float]) -> Table:
    """One row per measure, one column per model that has any."""
    names = [name for name in metrics if not name.endswith(tuple(MODELS)[1:])]
    ends = [end for end in MODELS if any(name + end in metrics for name in names)]
    rows = ((name.upper(), *(_number(metrics.get(name + end)) for end in ends)) for name in names)
    return table(("on the test rows", *(f"{MODELS[end]} #" for end in ends)), rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
