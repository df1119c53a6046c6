"""Runs either role of scoring with a stored model, and measures the scores."""

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.description import PartialMetrics
from isthmus.vertical.boosting import outcome as boosting
from isthmus.vertical.boosting.model import ActivePart
from isthmus.vertical.labelled import unmeasured
from isthmus.vertical.prediction import parts
from isthmus.vertical.prediction.active import Asking, active
from isthmus.vertical.prediction.passive import answer, passive
from isthmus.vertical.prediction.spec import Prediction
from isthmus.vertical.regression import outcome as regression
from isthmus.vertical.regression.model import Part
from isthmus.vertical.regression.system import check_numbers
from isthmus.vertical.system import Measured, OnlineContext, Scored, ScoringContext


def score(spec: Prediction, context: ScoringContext) -> Scored:
    """Score rows in one role; the active party gets the scores."""
    rows, stored = context.rows, context.part
    if stored.role == "passive":
        (peer,) = context.peers.values()
        passive(peer, parts.passive_part(stored), rows, spec)
        return Scored()
    part = parts.active_part(stored)
    scores = active(context.peers, part, rows, spec)
    return Scored(Scores(rows, scores), lambda: measured(part, rows, scores))


def ask(spec: Prediction, context: OnlineContext) -> Asking:
    """Get ready to score rows online, at the active party."""
    part = parts.active_part(context.part)

    def check(rows: Table) -> None:
        if isinstance(part, Part):  # trees take categories and empty cells
            check_numbers(rows, None)

    return Asking(context.peers, part, spec, context.requests, check)


def answer_requests(spec: Prediction, context: OnlineContext) -> bool:
    """Answer requests of the active party; returns whether it said that there are no more."""
    (peer,) = context.peers.values()
    part = parts.passive_part(context.part)
    return answer(peer, part, context.rows, spec, context.requests, context.wait)


def measured(part: Part | ActivePart, rows: Table, scores: Floats) -> Measured:
    """Measure scores by the measures of the training.

    Args:
        part: The active party's part of the model.
        rows: The rows.
        scores: Their scores, shape (rows,), or (classes, rows).

    Returns:
        The measures; empty, and with a word why, where no label is known.
    """
    attempts = Attempts()
    metrics = attempts.find("metrics", lambda: _metrics(part, rows, scores, attempts))
    return Measured(metrics=metrics or {}, missing=attempts.missing | unmeasured(rows))


def _metrics(
    part: Part | ActivePart, rows: Table, scores: Floats, attempts: Attempts
) -> PartialMetrics:
    if isinstance(part, Part):
        return regression.measured(part.family, rows, {"joint": scores}, attempts)
    return boosting.measured(part.spec, rows, {"joint": np.atleast_2d(scores)}, attempts)
