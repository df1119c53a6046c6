"""A run folder as a page that people read."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from isthmus.core.errors import LedgerError, SpecError
from isthmus.crypto import certificates
from isthmus.data.scores import Scores
from isthmus.evaluation import classification, report
from isthmus.evaluation.report import Convergence, Data, Measure, Report, Sent
from isthmus.jobs.result import Result, SimulationResult, has_trained, is_simulation
from isthmus.jobs.systems import named
from isthmus.ledger.record import records
from isthmus.ledger.summary import summarise
from isthmus.ledger.verify import verify
from isthmus.store import atomic
from isthmus.store.runs import Run, find

_LOWER_IS_BETTER = {"rmse", "mae"}

_STAGES = {
    "kernel": "encrypted product",
    "sums": "encrypted sums",
    "transport": "waiting for messages",
}
"""What people call a stage whose name in the code says too little to them."""

_WHOLES = {"total", "training", "joint trees", "per_tree"}
"""Times that other stages are parts of."""


def write(run: Run, central: Mapping[str, float] | None = None) -> Path:
    """Write the report of one party's finished run, anew if there is one already.

    Args:
        run: The run folder.
        central: Measures of the same model on joined data, where a simulation knows them.

    Returns:
        The HTML file.

    Raises:
        SpecError: The run has not finished, or its files are not what a run writes.
    """
    result = run.read_json(run.result.name, Result)
    described = named(result.system).describe(run)
    page = Report(
        job=result.job,
        digest=result.digest,
        party=result.party,
        role=result.role,
        peers=result.peers,
        version=result.version,
        started=datetime.fromisoformat(result.started).timestamp(),
        seconds=result.seconds["total"],
        data=Data(
            columns=result.columns,
            rows=result.rows["own"],
            shared=result.alignment.size or 0,
            train=result.rows["train"],
            test=result.rows["test"],
        ),
        measures=_measures(result.metrics, central or {}),
        coefficients=described.coefficients,
        intercept=described.intercept,
        importance=described.importance,
        convergence=_convergence(result),
        stages=_stages(result.seconds),
        learned=result.learned,
        cluster_auc=result.leakage.get("cluster_auc"),
        sent=[Sent(**msgspec.structs.asdict(row)) for row in summarise(records(run.ledger))],
        verdict=_verdict(run),
        warnings=_warnings(result),
    )
    page = _with_curves(page, run)
    atomic.write(run.report, report.render(page).encode())
    return run.report


def write_all(folder: Path) -> list[Path]:
    """Write the report of a party's run, or those of every party of a simulated run.

    Args:
        folder: A run folder, or a folder of runs for its latest one.

    Returns:
        The HTML files.

    Raises:
        SpecError: There is no finished run.
    """
    run = find(folder)
    if run.result.exists() and not has_trained(run):
        raise SpecError(
            f"{run.folder}: this run aligned rows and trained nothing, so there is no report of a "
            "model. Its result.json and `isthmus ledger show` say what it did."
        )
    if run.result.exists() and is_simulation(run):
        joint = run.read_json(run.result.name, SimulationResult)
        return [write(Run(run.folder / party), joint.metrics) for party in joint.parties]
    return [write(run)]


def _measures(metrics: Mapping[str, float], central: Mapping[str, float]) -> list[Measure]:
    return [
        Measure(
            name=name.upper(),
            joint=value,
            own=metrics.get(f"{name}_active_only"),
            central=central.get(f"{name}_central"),
            higher_is_better=name not in _LOWER_IS_BETTER,
        )
        for name, value in metrics.items()
        if not name.endswith("_active_only")
    ]


def _stages(seconds: Mapping[str, float]) -> dict[str, float]:
    """Where the time went, in parts that do not overlap."""
    parts = {name: spent for name, spent in seconds.items() if name not in _WHOLES}
    named = {_STAGES.get(name, name): spent for name, spent in parts.items()}
    return named | {"everything else": max(0.0, seconds["total"] - sum(parts.values()))}


def _convergence(result: Result) -> Convergence:
    return Convergence(
        rounds=list(range(1, len(result.curve) + 1)),
        loss=[at["loss"] for at in result.curve],
        gradient_norm=[at["gradient_norm"] for at in result.curve if "gradient_norm" in at],
    )


def _with_curves(page: Report, run: Run) -> Report:
    """Curves over the test rows, where labels of 0 and 1 lie in the run folder."""
    if not run.predictions.exists() or not any(measure.name == "AUC" for measure in page.measures):
        return page
    scores = Scores.load(run.predictions)
    return msgspec.structs.replace(
        page,
        roc={
            "joint": classification.roc(scores.labels, scores.predictions),
            f"{page.party} alone": classification.roc(scores.labels, scores.alone),
        },
        ks=classification.ks_curve(scores.labels, scores.predictions),
        lift=classification.lift(scores.labels, scores.predictions),
    )


def _verdict(run: Run) -> str:
    certificate = run.certificate.read_bytes()
    try:
        return str(
            verify(run.ledger, lambda data, seal: certificates.verify(certificate, seal, data))
        )
    except LedgerError as error:
        return f"The ledger does not verify: {error}"


def _warnings(result: Result) -> list[str]:
    found = [result.alignment.notice] if result.alignment.notice else []
    if not result.converged:
        found.append(
            f"Training {result.ending} without reaching the tolerance: raise "
            f"`{result.system}.max_rounds` in the job."
        )
    if result.role == "active" and not result.metrics:
        found.append(
            "The test rows do not have two different labels, so nothing was measured: raise "
            "`data.test_share` in the job, or take another seed."
        )
    alone, joint = result.metrics.get("auc_active_only"), result.metrics.get("auc")
    if alone is not None and joint is not None and joint <= alone:
        found.append("The other party's columns did not improve the model on the test rows.")
    return found
