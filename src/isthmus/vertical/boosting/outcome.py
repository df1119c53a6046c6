"""Runs either role of vertical boosting, and measures the result."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.classification import accuracy
from isthmus.evaluation.description import Description, Importance, PartialMetrics
from isthmus.evaluation.measures import RANKING, measure
from isthmus.evaluation.regression import mae, r2, rmse
from isthmus.store.checkpoint import Arrays, Checkpoint
from isthmus.store.runs import Run
from isthmus.vertical.boosting import coding
from isthmus.vertical.boosting.active import Trained, active
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.leakage import cluster_auc, sample_auc
from isthmus.vertical.boosting.memory import ActiveMemory, PassiveMemory
from isthmus.vertical.boosting.model import ActivePart, Part
from isthmus.vertical.boosting.passive import passive
from isthmus.vertical.boosting.pooled import train_pooled
from isthmus.vertical.boosting.remote_source import View
from isthmus.vertical.boosting.spec import Boosting, TreeModel
from isthmus.vertical.boosting.trees import objective
from isthmus.vertical.boosting.xgboost_comparison import xgboost_predictions
from isthmus.vertical.labelled import labelled, unmeasured
from isthmus.vertical.system import Measured, Outcome, PooledRows, RoleContext

_ERRORS = {"rmse": rmse, "mae": mae, "r2": r2}


def play(spec: Boosting, context: RoleContext) -> Outcome:
    """Train and score in one role, on aligned rows."""
    rows = Rows(context.train, context.test, context.monotone)
    randomness = Randomness(context.seed, context.job)
    if context.role == "passive":
        (peer,) = context.peers.values()
        memory = PassiveMemory(context.checkpoint)
        ours = passive(
            peer,
            rows,
            spec,
            randomness,
            context.telemetry,
            memory,
            engine=context.engine,
            workers=context.workers,
        )
        rounds = ours.trees // spec.outputs
        ending = f"{rounds} rounds of trees"
        return Outcome(ours, rounds, converged=None, ending=ending, run=ours.run)
    with context.telemetry.timed("joint trees"):
        trained = active(
            context.peers,
            rows,
            spec,
            randomness,
            context.telemetry,
            ActiveMemory(context.checkpoint),
            engine=context.engine,
            workers=context.workers,
        )
    kept, grown = len(trained.part.trees) // spec.outputs, len(trained.losses)
    seconds = context.telemetry.seconds
    seconds["per_tree"] = seconds["joint trees"] / max(grown * spec.outputs, 1)
    ending = f"{kept} rounds of trees" + (f" kept of {grown}" if kept < grown else "")
    if not trained.part.importance.count.any():
        ending += ", none with a split: all rows score alike"
    found = _found(spec, trained)
    return Outcome(
        model=trained.part,
        rounds=kept,
        converged=None,
        ending=ending,
        run=trained.part.run,
        scores=_scores(rows.test, trained.predictions),
        train_scores=trained.training,
        curve=[_losses(*each) for each in trained.losses],
        found=found,
        measure=lambda: _measured(spec, rows, randomness, found),
    )


def measure_again(spec: Boosting, context: RoleContext, found: Checkpoint) -> Measured:
    """Measure trees from what their training found; an empty result at a passive party."""
    if context.role == "passive":
        return Measured()
    rows = Rows(context.train, context.test, context.monotone)
    return _measured(spec, rows, Randomness(context.seed, context.job), found)


def _found(spec: Boosting, trained: Trained) -> Checkpoint:
    arrays: Arrays = {"predictions": trained.predictions}
    if trained.training is not None:
        arrays["training"] = trained.training
    if spec.objective == "binary":  # see `_leakage`
        seen = {party: views for party, views in trained.views.items() if views}
        arrays |= {f"{_VIEWS}{party}": np.stack(views) for party, views in seen.items()}
    return Checkpoint(arrays)


_VIEWS = "views."
"""What the name of the views of a party begins with, shape (trees, rows): see `View`."""


def _measured(spec: Boosting, rows: Rows, randomness: Randomness, found: Checkpoint) -> Measured:
    attempts = Attempts()
    joint = found.arrays["predictions"]
    alone = attempts.find("active_only", lambda: _alone(spec, rows, randomness))
    both = {"joint": joint, "active_only": alone}
    predictions = {model: values for model, values in both.items() if values is not None}
    metrics = attempts.find("metrics", lambda: measured(spec, rows.test, predictions, attempts))
    views = [list(each) for name, each in found.arrays.items() if name.startswith(_VIEWS)]
    leakage = {
        name: attempts.find(f"leakage.{name}", find)
        for name, find in _leakage(spec, rows.train, views).items()
    }
    return Measured(
        metrics=metrics or {},
        scores=_scores(rows.test, joint, alone),
        leakage={name: value for name, value in leakage.items() if value is not None},
        missing=unmeasured(rows.test) | attempts.missing,
    )


def _alone(spec: Boosting, rows: Rows, randomness: Randomness) -> Floats:
    """Returns the predictions of a model on the active party's columns only.

    Without columns, they are the same for every row.
    """
    if rows.train.names:
        return train_pooled([rows], spec, randomness).predictions
    base = objective.base_score(_labels(rows.train), rows.train.weights, spec)
    return objective.prediction(np.tile(base[:, None], len(rows.test)), spec)


def _losses(train: float, held_out: float) -> dict[str, float]:
    return {"loss": train} | ({} if np.isnan(held_out) else {"validation_loss": held_out})


def _leakage(
    spec: Boosting, train: Table, seen: Sequence[Sequence[View]]
) -> dict[str, Callable[[], float]]:
    """Returns measures of how well the other parties can separate the classes of training rows.

    It is the largest value of any party: from the rows that are together in nodes and, if trees
    sample rows, also from the number of trees that a row was sampled for.
    """
    label = _labels(train)
    if spec.objective != "binary" or not seen:
        return {}
    measures: dict[str, Callable[[], float]] = {
        "cluster_auc": lambda: max(cluster_auc(views, label) for views in seen)
    }
    if spec.forest or spec.sampling != "all":
        measures["sample_auc"] = lambda: max(sample_auc(views, label) for views in seen)
    return measures


def _scores(test: Table, predictions: Floats, alone: Floats | None = None) -> Scores:
    if len(predictions) > 1:
        return Scores(test, predictions)
    return Scores(test, predictions[0], None if alone is None else alone[0])


def describe_model(run: Run) -> Description:
    """Describe the model of a run: the importance of each column.

    A passive party knows only how often the trees split on its columns.

    Args:
        run: A finished run.

    Returns:
        The description for the report.

    Raises:
        SpecError: The file of the model is not as a run wrote it.
    """
    if "passives" in run.read_json(run.model.name, dict[str, Any]):
        return Description(importance=_importance(run.read_json(run.model.name, ActivePart)))
    part = run.read_json(run.model.name, Part)
    names = {column.code: column.binning.name for column in part.columns}
    splits = Counter(names[split.code] for split in part.splits)
    return Description(importance=[Importance(*each) for each in splits.most_common()])


def _importance(part: ActivePart) -> list[Importance]:
    found = part.importance
    names = {column.code: column.binning.name for column in part.columns}
    names |= {
        code: f"code {code} of {party}" for party, codes in part.passives.items() for code in codes
    }
    total = float(found.gain.sum()) or 1.0
    return [
        Importance(
            name=names[code],
            count=int(found.count[code]),
            cover=float(found.cover[code]),
            gain=float(found.gain[code]) / total,
        )
        for code in np.argsort(-found.gain).tolist()
        if found.count[code]
    ]


def pooled(spec: Boosting, rows: PooledRows) -> PartialMetrics:
    """Returns metrics of the same trees on pooled columns, and of XGBoost if it is installed."""
    test, *tests = rows.tests
    first = Rows(rows.trains[0], test, rows.monotone)
    others = [Rows(*each) for each in zip(rows.trains[1:], tests, strict=True)]
    same = train_pooled([first, *others], spec, _drawn_alike(spec, first, rows)).predictions
    xgboost = xgboost_predictions(spec, rows.trains, rows.tests)
    found = {"pooled": same} | ({} if xgboost is None else {"xgboost": xgboost})
    return measured(spec, test, found, Attempts())


def _drawn_alike(spec: Boosting, first: Rows, rows: PooledRows) -> Randomness:
    """Returns the seeds of joint training, with the secret one if the run has kept it."""
    memory = ActiveMemory(rows.checkpoint)
    memory.load(coding.columns(first.train, spec, rows.job).fingerprint(first, rows.job))
    return Randomness(rows.seed, rows.job, memory.secret)


def _labels(table: Table) -> Floats:
    return np.empty(0) if table.label is None else table.label


def measured(
    spec: TreeModel, test: Table, by_model: Mapping[str, Floats], attempts: Attempts
) -> PartialMetrics:
    """Measure predictions of rows whose label is known.

    Args:
        spec: The model's table, with the objective.
        test: The rows.
        by_model: Predictions of shape (outputs, rows) by name of the model.
        attempts: Is told why a measure is undefined.

    Returns:
        Value by measure, then by model; None where the measure is undefined.
    """
    label, known = labelled(test, by_model)
    if spec.objective == "multiclass":
        return measure({"accuracy": accuracy}, label, known, attempts)
    measures = RANKING if spec.objective == "binary" else _ERRORS
    of_rows = {model: found[0] for model, found in known.items()}
    return measure(measures, label, of_rows, attempts)
