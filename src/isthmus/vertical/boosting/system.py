"""Plays either role of vertical boosting, and measures the outcome."""

import importlib.util
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.classification import accuracy
from isthmus.evaluation.description import Description, Importance
from isthmus.evaluation.measures import RANKING, measure
from isthmus.evaluation.regression import mae, r2, rmse
from isthmus.store.runs import Run
from isthmus.vertical.boosting.active import Trained, active
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.leakage import cluster_auc, sample_auc
from isthmus.vertical.boosting.memory import ActiveMemory, PassiveMemory
from isthmus.vertical.boosting.model import ActivePart, Part
from isthmus.vertical.boosting.passive import passive
from isthmus.vertical.boosting.pooled import train_pooled
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import objective
from isthmus.vertical.system import Outcome, PooledRows, RoleContext

_ERRORS = {"rmse": rmse, "mae": mae, "r2": r2}


def check(spec: Boosting) -> None:
    """Refuse a cipher that this machine cannot compute."""
    cipher = spec.encryption
    keys.check(cipher.scheme, cipher.engine, cipher.key_bits)


def check_party(spec: Boosting, role: str, train: Table, test: Table | None = None) -> None:
    """Refuse data of one party that do not fit the job, before any contact.

    Args:
        spec: What the job says.
        role: This party's role.
        train: Its rows to train on.
        test: Its rows to score, where they are a data set of their own.

    Raises:
        SpecError: A label does not fit the objective, or a party that needs columns has none.
    """
    if role == "active" and train.label is not None:
        objective.check(train.label, _weights(train), spec)
        if test is not None:  # its columns may hold what they like: what is not known is missing
            objective.check_values(_labels(test), spec, "test")
        if spec.local_trees and not train.names:
            raise SpecError(
                "`boosting.local_trees` grows trees on the active party's columns, and `columns` "
                "chooses none."
            )
    elif not train.names:
        raise SpecError("`columns` chooses none, and a passive party has nothing else to bring.")
    elif train.weight is not None:
        raise SpecError("sample weights are the active party's: take `weight` out of the data set.")


def play(spec: Boosting, context: RoleContext) -> Outcome:
    """Train and score in one role; the rows are aligned already."""
    rows = Rows(context.train, context.test, context.monotone)
    randomness = Randomness(context.seed, context.job)
    if context.role == "passive":
        (peer,) = context.peers.values()
        memory = PassiveMemory(context.checkpoint)
        ours = passive(
            peer, rows, spec, randomness, context.telemetry, memory, workers=context.workers
        )
        rounds = ours.trees // spec.outputs
        return Outcome(ours, rounds, converged=True, ending=f"{rounds} rounds of trees")
    with context.telemetry.timed("joint trees"):
        trained = active(
            context.peers,
            rows,
            spec,
            randomness,
            context.telemetry,
            ActiveMemory(context.checkpoint),
            workers=context.workers,
        )
    return _outcome(spec, context, trained, _alone(spec, rows, randomness))


def _alone(spec: Boosting, rows: Rows, randomness: Randomness) -> Floats:
    """What the active party predicts by itself; without a column, the same for every row."""
    if rows.train.names:
        return train_pooled([rows], spec, randomness).predictions
    base = objective.base_score(_labels(rows.train), _weights(rows.train), spec)
    return objective.prediction(np.tile(base[:, None], len(rows.test)), spec)


def _outcome(spec: Boosting, context: RoleContext, trained: Trained, alone: Floats) -> Outcome:
    kept = len(trained.part.trees) // spec.outputs
    grown = len(trained.losses)
    seconds = context.telemetry.seconds
    seconds["per_tree"] = seconds["joint trees"] / max(grown * spec.outputs, 1)
    ending = f"{kept} rounds of trees" + (f" kept of {grown}" if kept < grown else "")
    if not trained.part.importance.count.any():
        ending += ", none with a split: all rows score alike"
    return Outcome(
        model=trained.part,
        rounds=kept,
        converged=True,
        ending=ending,
        metrics=_measure(spec, context.test, trained.predictions)
        | _measure(spec, context.test, alone, suffix="_active_only"),
        scores=_scores(spec, context.test, trained.predictions, alone),
        curve=[_losses(*each) for each in trained.losses],
        leakage=_leakage(spec, context, trained),
    )


def _losses(train: float, held_out: float) -> dict[str, float]:
    return {"loss": train} | ({} if np.isnan(held_out) else {"validation_loss": held_out})


def _leakage(spec: Boosting, context: RoleContext, trained: Trained) -> dict[str, float]:
    """What `_measured_leakage` finds; nothing, and a note, where it fails: no model hangs on it."""
    try:
        return _measured_leakage(spec, _labels(context.train), trained)
    except Exception as error:  # noqa: BLE001 - whatever it is, training is done and worth storing
        note = f"leakage was not measured: {type(error).__name__}: {error}"
        context.telemetry.progress("train", note=note)
        return {}


def _measured_leakage(spec: Boosting, label: Floats, trained: Trained) -> dict[str, float]:
    """How well another party can tell the labels of the training rows apart: the one that can best.

    By the rows that are together in nodes, and where trees have samples also by how often a row was
    in one.
    """
    seen = [views for views in trained.views.values() if views]
    if spec.objective != "binary" or not seen:
        return {}
    found = {"cluster_auc": max(cluster_auc(views, label) for views in seen)}
    if spec.forest or spec.sampling != "all":
        found["sample_auc"] = max(sample_auc(views, label) for views in seen)
    return found


def _scores(spec: Boosting, test: Table, predictions: Floats, alone: Floats) -> Scores | None:
    if spec.objective == "multiclass" or test.label is None:
        return None
    return Scores(test.identifiers, test.label, predictions[0], alone[0])


def describe(run: Run) -> Description:
    """What the trees make of each feature; at a passive party, how often they split on its columns.

    Args:
        run: A finished run.

    Returns:
        What its report shows.

    Raises:
        SpecError: The model is not what a run writes.
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


def measure_pooled(spec: Boosting, rows: PooledRows) -> dict[str, float]:
    """Metrics of the same algorithm on the pooled columns, and of XGBoost where it is installed."""
    test, *tests = rows.tests
    first = Rows(rows.trains[0], test, rows.monotone)
    others = [Rows(*each) for each in zip(rows.trains[1:], tests, strict=True)]
    same = train_pooled([first, *others], spec, Randomness(rows.seed, rows.job)).predictions
    found = _measure(spec, test, same, suffix="_central")
    if importlib.util.find_spec("xgboost") is not None:
        rival = _xgboost(spec, rows.trains, rows.tests)
        if rival is not None:
            found |= _measure(spec, test, rival, suffix="_xgboost")
    return found


def _xgboost(spec: Boosting, trains: Sequence[Table], tests: Sequence[Table]) -> Floats | None:
    """Predictions of XGBoost's `hist` with the same settings; None where it has none."""
    if spec.objective != "binary" or any(table.categories for table in trains):
        return None
    import xgboost  # noqa: PLC0415 - an extra

    options = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": spec.depth,
        "eta": spec.learning_rate,
        "lambda": spec.l2,
        "gamma": spec.minimum_gain,
        "min_child_weight": spec.minimum_child_weight,
        "max_bin": spec.bins,
    }
    x, x_test = (np.hstack([table.features for table in tables]) for tables in (trains, tests))
    try:
        data = xgboost.DMatrix(x, _labels(trains[0]), weight=trains[0].weight)
        model = xgboost.train(options, data, spec.trees)
        predictions: Floats = np.asarray(model.predict(xgboost.DMatrix(x_test)), np.float64)
    except xgboost.core.XGBoostError:  # it computes in float32, which ends at 3e38
        return None
    return predictions[None]


def _labels(table: Table) -> Floats:
    return np.empty(0) if table.label is None else table.label


def _weights(table: Table) -> Floats:
    return np.ones(len(table)) if table.weight is None else table.weight


def _measure(
    spec: Boosting, test: Table, predictions: Floats, suffix: str = ""
) -> dict[str, float]:
    """Measures of predictions of shape (outputs, rows), by name."""
    label = _labels(test)
    if spec.objective == "multiclass":
        return measure({"accuracy": accuracy}, label, predictions, suffix)
    measures = RANKING if spec.objective == "binary" else _ERRORS
    return measure(measures, label, predictions[0], suffix)
