"""The interface of prediction to `jobs`: rows are scored with a model that an earlier run trained.

| step                                              | function     |
|---------------------------------------------------|--------------|
| find the run by the digest of its model           | `model`      |
| do part and rows fit it? nothing has crossed yet  | `check_part` |
| score in one role, on aligned rows                | `score`      |
| measure, where labels are known                   | `Scored`     |
"""

from collections.abc import Sequence

from isthmus.data.table import Table
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.vertical.prediction.forecast import forecast as forecast_scores
from isthmus.vertical.prediction.spec import Prediction
from isthmus.vertical.system import Scored, ScoringContext, StoredPart

MOST_PARTIES: int | None = None
NUMBERS_ONLY = False  # a part of a regression refuses other rows itself


def check(_spec: Prediction) -> None:
    """Do nothing: any machine can score."""


def model(spec: Prediction) -> str:
    """Returns the digest of the run that trained the model."""
    return spec.model


def scoring_steps(spec: Prediction) -> Sequence[str]:
    """Returns what will happen after the alignment, in order, a sentence each."""
    sent = "shares of scores" if spec.system == "regression" else "decisions at its splits"
    return [
        f"Score the shared rows with the {spec.system} of the run {spec.model[:12]}: each passive "
        f"party sends the {sent}, and the active party gets the scores."
    ]


def forecast(spec: Prediction, passive: str, sizes: Sizes) -> list[Flow]:
    """Forecast the messages between the active party and one passive party."""
    return forecast_scores(spec, passive, sizes)


def check_part(spec: Prediction, stored: StoredPart, rows: Table) -> None:
    """Refuse a part that is not what the job says, or rows that it was not trained for."""
    from isthmus.vertical.prediction import parts

    parts.check(spec, stored, rows)


def of_run(stored: StoredPart, model: str) -> Prediction:
    """Returns the table of a job that scores with the model of a run."""
    from isthmus.vertical.prediction import parts

    return parts.of_run(stored, model)


def score(spec: Prediction, context: ScoringContext) -> Scored:
    """Score rows in one role; the active party gets the scores."""
    from isthmus.vertical.prediction import outcome

    return outcome.score(spec, context)
