"""Lines that the end of every run shows, whatever its family."""

from collections.abc import Mapping

from rich.filesize import decimal

from isthmus.jobs.result import AnyResult, PartyResult, SimulatedResult
from isthmus.store.runs import Run

Facts = list[tuple[str, str]]
"""Names and values, a line each."""


def party_facts(run: Run, result: PartyResult) -> Facts:
    """Returns what the run of one party took and left behind."""
    return [_seconds(result, "total"), ("sent", decimal(result.egress.bytes)), *places(run)]


def parties_facts(result: SimulatedResult, reports: Mapping[str, str] | None = None) -> Facts:
    """Returns what a simulated run took, and where the report of each party is."""
    return [
        _seconds(result, "simulation"),
        *((f"{party} sent", decimal(each.bytes)) for party, each in result.egress.items()),
        *((f"{party}'s report", path) for party, path in (reports or {}).items()),
    ]


def local_facts(run: Run, result: AnyResult) -> Facts:
    """Returns what the run of one organisation took and left behind."""
    return [_seconds(result, "total"), *places(run)]


def places(run: Run) -> Facts:
    """Returns where a run left what."""
    kept = {
        "network": run.network,
        "index": run.index,
        "model": run.tables if run.tables.exists() else run.model,
        "scorecard": run.scorecard,
        "predictions": run.predictions,
        "reasons": run.reasons,
        "run": run.folder,
        "report": run.report,
    }
    return [(name, str(path)) for name, path in kept.items() if path.exists()]


def suspects_facts(suspects: Mapping[str, list[str]]) -> Facts:
    """Returns why to look after a child, a line per child, and that the others are not cleared."""
    found = [(f"look after {child}", "; ".join(why)) for child, why in suspects.items()]
    return [*found, ("the others", "are not cleared by not being named")] if found else []


def _seconds(result: AnyResult, name: str) -> tuple[str, str]:
    return "seconds", f"{result.seconds[name]:.1f}"
