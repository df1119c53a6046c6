"""Training of a baseline, and its metrics on the test rows."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

import msgspec
import numpy as np
from msgspec.structs import replace

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.core.telemetry import Telemetry
from isthmus.data.scores import Scores
from isthmus.evaluation.description import PartialMetrics
from isthmus.evaluation.validation import Stability
from isthmus.outcomes import LocalOutcome, LocalTrained
from isthmus.store.runs import Run
from isthmus.vertical.baseline.data import Data, as_boosting
from isthmus.vertical.baseline.spec import Baseline, BoostingBaseline, RegressionBaseline
from isthmus.vertical.boosting import model
from isthmus.vertical.boosting import outcome as boosting
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.pooled import Pooled
from isthmus.vertical.boosting.pooled import train_pooled as train_trees
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import boost
from isthmus.vertical.boosting.xgboost_comparison import xgboost_predictions
from isthmus.vertical.labelled import unmeasured
from isthmus.vertical.regression import coefficients, measuring
from isthmus.vertical.regression.pooled import train_pooled as train_regression
from isthmus.vertical.validated import stability_since, trained_groups, validated


@dataclass(frozen=True)
class _Fitted:
    """A trained model, and its predictions for the test rows."""

    model: msgspec.Struct
    predictions: Floats
    score_training: Callable[[], Floats]
    """Computes the predictions for the training rows."""

    ending: str


def train(spec: Baseline, data: Data, run: Run, telemetry: Telemetry) -> LocalTrained:
    """Train, and write the model and its scores into the run folder."""
    with telemetry.timed("training"):
        match spec:
            case RegressionBaseline():
                fitted = _regression(spec, data)
            case BoostingBaseline():
                fitted = _boosting(spec, data)
            case _:
                assert_never(spec)
    run.write_json(run.model.name, fitted.model)
    run.write_json(run.columns.name, data.train.coding)
    scores = Scores(data.test, _by_row(fitted.predictions))
    scores.save(run.predictions)
    outcome = LocalOutcome(
        metrics={},
        rows={"train": len(data.train), "test": len(data.test)},
        columns=len(data.train.names),
        ending=fitted.ending,
    )

    def measure() -> LocalOutcome:
        attempts = Attempts()
        with telemetry.timed("measuring"):
            metrics = _measured(spec, data, fitted.predictions, attempts)
            validation = attempts.find("validation", lambda: validated(scores, metrics, "model"))
            compared = attempts.find("stability", lambda: _stability(run, data, fitted, scores))
        missing = unmeasured(data.test) | attempts.missing
        return replace(
            outcome, metrics=metrics, validation=validation, stability=compared, missing=missing
        )

    return LocalTrained(outcome, measure)


def _regression(spec: RegressionBaseline, data: Data) -> _Fitted:
    fitted = coefficients.of_all(train_regression(data.train, spec), data.train, spec)
    return _Fitted(
        fitted,
        fitted.predict(data.test.features, offset=data.test.offsets).T,
        lambda: fitted.predict(data.train.features, offset=data.train.offsets).T,
        "one fit",
    )


def _boosting(spec: BoostingBaseline, data: Data) -> _Fitted:
    trees = as_boosting(spec)
    rows = Rows(data.train, data.test, data.monotone)
    pooled = train_trees([rows], trees, Randomness(data.seed, data.job))
    part = _part(trees, pooled)
    ending = f"{len(part.trees) // spec.outputs} rounds of trees"
    return _Fitted(part, pooled.predictions, pooled.score_training, ending)


def _part(spec: Boosting, pooled: Pooled) -> model.ActivePart:
    return model.active_part(
        secrets.token_hex(16),
        spec,
        pooled.own_columns,
        {},
        pooled.assigned.book.bins,
        boost.ensemble(pooled.state, spec),
    )


def _by_row(predictions: Floats) -> Floats:
    several = predictions.ndim > 1 and len(predictions) > 1
    return predictions if several else np.ravel(predictions)


def _measured(spec: Baseline, data: Data, ours: Floats, attempts: Attempts) -> PartialMetrics:
    """Returns the metrics of the model and, for trees, those of XGBoost if it is installed."""
    if isinstance(spec, RegressionBaseline):
        return measuring.measured(spec, data.test, {"model": ours}, attempts)
    xgboost = attempts.find("xgboost", lambda: xgboost_predictions(spec, [data.train], [data.test]))
    found = {"model": ours} | ({} if xgboost is None else {"xgboost": xgboost})
    return boosting.measured(spec, data.test, found, attempts)


def _stability(run: Run, data: Data, fitted: _Fitted, scores: Scores) -> Stability:
    """Compare the test rows with those trained on, and leave what later rows are compared with."""
    groups = trained_groups(data.train, _by_row(fitted.score_training()))
    run.write_json(run.trained_groups.name, groups)
    return stability_since(groups, data.test, scores.scores)
