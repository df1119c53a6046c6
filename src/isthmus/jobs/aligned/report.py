"""Reads the page about a run over columns from the run folder."""

from typing import Any

import msgspec

from isthmus.core.attempts import Attempts
from isthmus.data.scores import StoredScores
from isthmus.evaluation.curves import curves
from isthmus.evaluation.description import PartialMetrics, measured
from isthmus.evaluation.pages.convergence import Convergence
from isthmus.evaluation.pages.page import names
from isthmus.evaluation.pages.scoring_report import ScoredRows, ScoringReport
from isthmus.evaluation.pages.vertical_report import Data, VerticalReport
from isthmus.evaluation.validation import FAR, Stability
from isthmus.jobs import page, registry
from isthmus.jobs.aligned import scorecards
from isthmus.jobs.aligned.results import (
    ScoredResult,
    SimulatedTraining,
    TrainedResult,
    requests_for_rows,
)
from isthmus.jobs.job import Job
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
    points = scorecards.bins(run)
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
            errors=described.errors,
            ratio=described.ratio,
            prepared=scorecards.columns(run),
            scorecard=points.bins,
            base_points=points.base,
            importance=described.importance,
            convergence=_convergence(result),
            ending=result.ending,
            validation=result.validation,
            stability=result.stability,
            leakage=result.leakage,
            exposure=[each.sentence for each in result.exposure],
            warnings=_warnings(result),
        ),
        run,
    )


def read_scoring(run: Run) -> ScoringReport:
    """Find what the page of a run that scored rows shows.

    Args:
        run: The run folder of one party.

    Returns:
        All of it.

    Raises:
        SpecError: The run has not finished, or its files are not what a run writes.
    """
    result, attempts = run.read_json(run.result.name, ScoredResult), Attempts()
    drawn: dict[str, Any] = {}
    if run.predictions.exists() and result.metrics.get("auc", {}).get("joint") is not None:
        scores = StoredScores.load(run.predictions).labelled()
        drawn = curves(scores.labels, {"joint": scores.predictions}, attempts)
    notice, asked = result.alignment.notice, result.requests
    requests = None if asked is None else requests_for_rows(asked)
    facts = page.facts(run, result, _WHOLES)
    return ScoringReport(
        **facts | {"missing": facts["missing"] | attempts.missing},
        model=result.model,
        system=result.system,
        columns=result.columns,
        rows=ScoredRows(**result.rows, requests=requests),
        cut=_cut(run),
        metrics=result.metrics,
        validation=result.validation,
        stability=result.stability,
        warnings=[
            *([notice] if notice else []),
            *result.alignment.warnings,
            *_seen(result),
            *_shifts(result.stability, "scored rows"),
        ],
        **drawn,
    )


def _seen(result: ScoredResult) -> list[str]:
    """Warn of measures over rows that the model was trained on."""
    trained, measured_rows = result.rows.get("trained", 0), result.rows["labelled"]
    if not trained or not result.metrics:
        return []
    return [
        f"{trained:,} of the {measured_rows:,} rows that this page measures were trained on: a "
        "model does better on rows that it has seen. Measure it on others."
    ]


def _cut(run: Run) -> float | None:
    """Above which score a decision is yes; None where the run told scores."""
    table = run.read_json(run.job.name, Job).tables["prediction"]
    return None if table.decision is None else float(table.decision.cut)


def _metrics(result: TrainedResult, simulated: Run | None) -> PartialMetrics:
    """Of a party with labels; in a simulation beside models of pooled columns."""
    if not result.metrics or simulated is None:
        return result.metrics
    return simulated.read_json(simulated.result.name, SimulatedTraining).metrics


def _convergence(result: TrainedResult) -> Convergence:
    return Convergence(
        rounds=list(range(1, len(result.curve) + 1)),
        loss=[at["loss"] for at in result.curve if "loss" in at],
        gradient_norm=[at["gradient_norm"] for at in result.curve if "gradient_norm" in at],
        validation_loss=[at["validation_loss"] for at in result.curve if "validation_loss" in at],
        kept=result.rounds,
        converged=result.converged,
    )


def _with_curves(report: VerticalReport, run: Run) -> VerticalReport:
    """Curves over the test rows, where labels of 0 and 1 lie in the run folder."""
    auc = report.metrics.get("auc", {})
    if not run.predictions.exists() or auc.get("joint") is None:
        return report
    scores, attempts = StoredScores.load(run.predictions).labelled(), Attempts()
    models = {"joint": scores.predictions}
    if scores.alone is not None:
        models[f"{report.party} alone"] = scores.alone
    drawn = curves(scores.labels, models, attempts)
    return msgspec.structs.replace(report, **drawn, missing=report.missing | attempts.missing)


def _warnings(result: TrainedResult) -> list[str]:
    found = [result.alignment.notice] if result.alignment.notice else []
    found += result.alignment.warnings
    if result.converged is False:
        found.append(
            f"Training {result.ending}. More rounds bring the model closer to the pooled one, and "
            "a penalty lets it get there in fewer."
        )
    gain = result.validation.gain if result.validation else None
    auc = measured(result.metrics).get("auc", {})
    if auc.keys() >= {"joint", "active_only"} and auc["joint"] <= auc["active_only"]:
        found.append("The other party's columns did not improve the model on the test rows.")
    elif gain is not None and gain.low <= 0:
        found.append(
            f"The gain in AUC over {result.party} alone may be chance: with 95% confidence it is "
            f"between {gain.low:+.4f} and {gain.high:+.4f}. More test rows would tell."
        )
    return found + _shifts(result.stability, "test rows")


def _shifts(stability: Stability | None, rows: str) -> list[str]:
    """Warn of rows that are not like the training rows, beyond what chance brings."""
    if stability is None:
        return []
    every = {"the scores": stability.score or 0.0, **stability.columns}
    far = [name for name, index in every.items() if index > FAR + stability.sampling_noise]
    if not far:
        return []
    return [
        f"The {rows} are not like those that were trained on: the population stability index "
        f"is over {FAR} for {names(far)}. Scores of such rows are guesses beyond the data."
    ]
