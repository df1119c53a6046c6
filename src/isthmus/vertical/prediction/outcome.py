"""Runs either role of scoring with a stored model, and measures the scores."""

import numpy as np

from isthmus.core.attempts import Attempts
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.description import PartialMetrics
from isthmus.evaluation.measures import DECISIONS, measure
from isthmus.vertical.boosting import outcome as boosting
from isthmus.vertical.boosting.model import ActivePart
from isthmus.vertical.labelled import labelled, unmeasured
from isthmus.vertical.prediction import parts
from isthmus.vertical.prediction.active import Asking, active
from isthmus.vertical.prediction.passive import answer, passive
from isthmus.vertical.prediction.spec import Prediction
from isthmus.vertical.regression import measuring
from isthmus.vertical.regression.model import Part
from isthmus.vertical.regression.system import check_numbers
from isthmus.vertical.scoring_system import OnlineContext, Scored, ScoringContext
from isthmus.vertical.system import Measured


def score(spec: Prediction, context: ScoringContext) -> Scored:
    """Score rows in one role; the active party gets the scores."""
    rows, stored = context.rows, context.part
    if stored.role == "passive":
        (peer,) = context.peers.values()
        passive(peer, parts.passive_part(stored), rows, spec, context.identity)
        return Scored()
    part = parts.active_part(stored)
    found = active(context.peers, part, rows, spec)
    scores = Scores(rows, found, decided=spec.decision is not None)
    return Scored(scores, lambda: measured(part, scores))


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
    rows, asked = context.rows, context.requests
    return answer(peer, part, rows, spec, asked, context.wait, context.identity)


def measured(part: Part | ActivePart, scores: Scores) -> Measured:
    """Measure scores by the measures of the training, or decisions by their own.

    Args:
        part: The active party's part of the model.
        scores: Scores of rows, or decisions.

    Returns:
        The measures; empty, and with a word why, where no label is known.
    """
    attempts = Attempts()
    metrics = attempts.find("metrics", lambda: _metrics(part, scores, attempts))
    return Measured(metrics=metrics or {}, missing=attempts.missing | unmeasured(scores.rows))


def _metrics(part: Part | ActivePart, scored: Scores, attempts: Attempts) -> PartialMetrics:
    rows, scores = scored.rows, scored.scores
    if scored.decided:
        label, known = labelled(rows, {"joint": scores})
        return measure(DECISIONS if np.isin(label, (0, 1)).all() else {}, label, known, attempts)
    if isinstance(part, Part):
        return measuring.measured(part, rows, {"joint": scores}, attempts)
    return boosting.measured(part.spec, rows, {"joint": np.atleast_2d(scores)}, attempts)
