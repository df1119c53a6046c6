"""The report page of a baseline."""

from collections.abc import Mapping
from typing import Any

from isthmus.core.attempts import Attempts
from isthmus.data.scores import StoredScores
from isthmus.evaluation.curves import curves
from isthmus.evaluation.pages import vertical_report
from isthmus.evaluation.pages.vertical_report import Data, VerticalReport
from isthmus.outcomes import LocalOutcome
from isthmus.store.runs import Run
from isthmus.vertical.boosting import outcome as boosting
from isthmus.vertical.regression import outcome as regression


def page(run: Run, shown: Mapping[str, Any], outcome: LocalOutcome) -> str:
    """Make the page.

    Args:
        run: The run folder, with the model and the scores of the test rows.
        shown: The fields that every page has.
        outcome: The result of training.

    Returns:
        HTML.
    """
    of_trees = "trees" in run.read_json(run.model.name, dict[str, object])
    described = (boosting if of_trees else regression).describe_model(run)
    train, test = outcome.rows["train"], outcome.rows["test"]
    attempts, drawn = Attempts(), dict[str, Any]()
    if outcome.metrics.get("auc", {}).get("model") is not None:
        scores = StoredScores.load(run.predictions).labelled()
        drawn = curves(scores.labels, {"model": scores.predictions}, attempts)
    fields = {**shown, "missing": shown.get("missing", {}) | attempts.missing}
    return vertical_report.render(
        VerticalReport(
            **fields,
            data=Data(outcome.columns, rows=train + test, shared=None, train=train, test=test),
            model="a model of boosted trees" if of_trees else "a regression",
            metrics=outcome.metrics,
            coefficients=described.coefficients,
            intercept=described.intercept,
            errors=described.errors,
            ratio=described.ratio,
            importance=described.importance,
            validation=outcome.validation,
            stability=outcome.stability,
            **drawn,
        )
    )
