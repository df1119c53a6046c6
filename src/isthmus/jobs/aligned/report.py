"""Reads the page about a run over columns from the run folder."""

import msgspec

from isthmus.data.scores import StoredScores
from isthmus.evaluation import classification
from isthmus.evaluation.description import Metrics
from isthmus.evaluation.pages.vertical_report import Convergence, Data, VerticalReport
from isthmus.jobs import page, registry
from isthmus.jobs.aligned.results import SimulatedTraining, TrainedResult
from isthmus.store.runs import Run

_WHOLES = {"total", "training", "joint trees", "per_tree"}
"""Times that other stages are parts of."""


def read(run: Run, simulated: Run | None = None) -> VerticalReport:
    """Find what the page shows.

    Args:
        run: The run folder of one party.
        simulated: That of the simulated run which it is part of, if it is.

    Returns:
        All of it.

    Raises:
        SpecError: The run has not finished, or its files are not what a run writes.
    """
    result = run.read_json(run.result.name, TrainedResult)
    described = registry.load_system(registry.row(result.system)).describe_model(run)
    return _with_curves(
        VerticalReport(
            **page.facts(run, result, _WHOLES),
            data=Data(
                columns=result.columns,
                rows=result.rows["own"],
                shared=result.alignment.size or 0,
                train=result.rows["train"],
                test=result.rows["test"],
            ),
            metrics=_metrics(result, simulated),
            coefficients=described.coefficients,
            intercept=described.intercept,
            importance=described.importance,
            convergence=_convergence(result),
            cluster_auc=result.leakage.get("cluster_auc"),
            warnings=_warnings(result),
        ),
        run,
    )


def _metrics(result: TrainedResult, simulated: Run | None) -> Metrics:
    """Of a party with labels; in a simulation beside models of pooled columns."""
    if not result.metrics or simulated is None:
        return result.metrics
    return simulated.read_json(simulated.result.name, SimulatedTraining).metrics


def _convergence(result: TrainedResult) -> Convergence:
    return Convergence(
        rounds=list(range(1, len(result.curve) + 1)),
        loss=[at["loss"] for at in result.curve],
        gradient_norm=[at["gradient_norm"] for at in result.curve if "gradient_norm" in at],
    )


def _with_curves(report: VerticalReport, run: Run) -> VerticalReport:
    """Curves over the test rows, where labels of 0 and 1 lie in the run folder."""
    if not run.predictions.exists() or "auc" not in report.metrics:
        return report
    scores = StoredScores.load(run.predictions).labelled()
    roc = {"joint": classification.roc(scores.labels, scores.predictions)}
    if scores.alone is not None:
        roc[f"{report.party} alone"] = classification.roc(scores.labels, scores.alone)
    return msgspec.structs.replace(
        report,
        roc=roc,
        ks=classification.ks_curve(scores.labels, scores.predictions),
        lift=classification.lift(scores.labels, scores.predictions),
    )


def _warnings(result: TrainedResult) -> list[str]:
    found = [result.alignment.notice] if result.alignment.notice else []
    if result.converged is False:
        found.append(
            f"Training {result.ending} without reaching the tolerance: raise "
            f"`{result.system}.max_rounds` in the job."
        )
    if result.role == "active" and not result.metrics:
        found.append(
            "The test rows do not have two different labels, so nothing was measured: raise "
            "`data.test_share` in the job, or take another seed."
        )
    auc = result.metrics.get("auc", {})
    if auc and auc["joint"] <= auc["active_only"]:
        found.append("The other party's columns did not improve the model on the test rows.")
    return found
