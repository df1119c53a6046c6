"""Trains a regression or boosted trees on one organisation's own columns.

It is the model that a joint job calls `active_only`: the same code on the same rows gives the same
numbers, so what other parties' columns add can be read off.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import msgspec
import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data import table
from isthmus.data.index import split
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.description import Metrics
from isthmus.evaluation.measures import measure
from isthmus.store.runs import Run
from isthmus.system import LocalInputs, LocalOutcome
from isthmus.vertical.baseline.spec import Baseline, BoostingBaseline, RegressionBaseline
from isthmus.vertical.boosting import model as trees_model
from isthmus.vertical.boosting import system as boosting
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.pooled import Pooled
from isthmus.vertical.boosting.pooled import train_pooled as train_trees
from isthmus.vertical.boosting.rival import xgboost_predictions
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import boost
from isthmus.vertical.regression import scaling
from isthmus.vertical.regression import system as regression
from isthmus.vertical.regression.pooled import train_pooled as train_regression


@dataclass(frozen=True)
class Data:
    """Rows to train on and rows to score."""

    train: Table
    test: Table
    monotone: Mapping[str, int]
    seed: int
    job: str
    """Digest of the job."""


@dataclass(frozen=True)
class _Fitted:
    """A model, and its predictions of the test rows by name: its own is `model`."""

    model: msgspec.Struct
    predictions: dict[str, Floats]


def check(_spec: Baseline) -> None:
    """Any machine can run it."""


def load(spec: Baseline, inputs: LocalInputs) -> Data:
    """Read the rows and divide them.

    Args:
        spec: What the job says.
        inputs: Where the rows are.

    Returns:
        Training and test rows, divided as a joint job divides them.

    Raises:
        SpecError: A file is not what the job says, or its columns do not fit the model.
    """
    dataset = inputs.train
    if dataset is None or dataset.label is None:
        raise SpecError("name the column to predict, `label`, in the table of the data set.")
    rows = table.load(dataset, inputs.folder, inputs.normalise)
    if isinstance(spec, RegressionBaseline):
        dataset.refuse_monotone("datasets.NAME", 'a [baseline] with model = "boosting"')
    if not rows.names:
        raise SpecError("`columns` chooses none, so there is nothing to learn from.")
    if inputs.test is None:
        train, held_out = split(rows.identifiers, inputs.test_share, inputs.seed)
        test = rows.take(held_out)
    else:
        train, _ = split(rows.identifiers, 0.0, inputs.seed)
        test = table.load(inputs.test, inputs.folder, inputs.normalise, rows)
    _check(spec, rows, None if inputs.test is None else test)
    return Data(rows.take(train), test, dataset.signs, inputs.seed, inputs.job)


def facts(_spec: Baseline, data: Data) -> dict[str, object]:
    """Returns what `isthmus check` shows of the data, by name."""
    names = data.train.names
    return {
        "rows": f"{len(data.train):,} to train on, {len(data.test):,} to score",
        "columns": f"{len(names):,}: {', '.join(names)}",
    }


def train(spec: Baseline, data: Data, run: Run, telemetry: Telemetry) -> LocalOutcome:
    """Train, score, and leave the model and its scores in the run folder."""
    with telemetry.timed("training"):
        match spec:
            case RegressionBaseline():
                fitted = _regression(spec, data)
            case BoostingBaseline():
                fitted = _boosting(spec, data)
            case _:
                assert_never(spec)
    run.write_json(run.model.name, fitted.model)
    ours = fitted.predictions["model"]
    if ours.ndim == 1 or len(ours) == 1:  # one score per row, as all but multiclass have
        label = scaling.labels(data.test)
        Scores(data.test.identifiers, label, np.ravel(ours)).save(run.predictions)
    return LocalOutcome(
        metrics=_measured(spec, data, fitted.predictions),
        rows={"train": len(data.train), "test": len(data.test)},
        columns=len(data.train.names),
        ending="trained",
    )


def page(run: Run, shown: Mapping[str, Any], outcome: LocalOutcome) -> str:
    """Returns the report as HTML."""
    from isthmus.vertical.baseline import report  # noqa: PLC0415 - it loads Matplotlib

    return report.page(run, shown, outcome)


def _check(spec: Baseline, rows: Table, test: Table | None) -> None:
    match spec:
        case RegressionBaseline():
            regression.check_numbers(rows, test)
            scaling.label(rows, spec.link)
        case BoostingBaseline():
            boosting.check_party(_as_boosting(spec), "active", rows, test)
        case _:
            assert_never(spec)


def _regression(spec: RegressionBaseline, data: Data) -> _Fitted:
    model = train_regression(data.train, spec)
    return _Fitted(model, {"model": model.predict(data.test.features)})


def _boosting(spec: BoostingBaseline, data: Data) -> _Fitted:
    trees = _as_boosting(spec)
    rows = Rows(data.train, data.test, data.monotone)
    pooled = train_trees([rows], trees, Randomness(data.seed, data.job))
    predictions = {"model": pooled.predictions}
    rival = xgboost_predictions(spec, [data.train], [data.test])
    if rival is not None:
        predictions["xgboost"] = rival
    return _Fitted(_part(trees, pooled), predictions)


def _part(spec: Boosting, pooled: Pooled) -> trees_model.ActivePart:
    return trees_model.active_part(
        secrets.token_hex(16),
        spec,
        pooled.own_columns,
        {},
        pooled.assigned.book.bins,
        boost.ensemble(pooled.state, spec),
    )


def _as_boosting(spec: BoostingBaseline) -> Boosting:
    """The same trees as a joint job would grow."""
    return Boosting(**msgspec.structs.asdict(spec))


def _measured(spec: Baseline, data: Data, predictions: Mapping[str, Floats]) -> Metrics:
    if isinstance(spec, BoostingBaseline):
        return boosting.measured(spec, data.test, predictions)
    return measure(regression.MEASURES[spec.link], scaling.labels(data.test), predictions)
