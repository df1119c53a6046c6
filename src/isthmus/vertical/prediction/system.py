"""The interface of prediction to `jobs`: rows are scored with a model that an earlier run trained.

| step                                              | function     |
|---------------------------------------------------|--------------|
| find the run by the digest of its model           | `model`      |
| do part and rows fit it? nothing has crossed yet  | `check_part` |
| score in one role, on aligned rows                | `score`      |
| measure, where labels are known                   | `Scored`     |
| or score online: each request of the active party | `ask`        |
| is answered by the passive ones                   | `answer`     |
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.ledger.record import Record
from isthmus.vertical.prediction import forecast as forecasts
from isthmus.vertical.prediction.spec import Decision, Online, Prediction
from isthmus.vertical.scoring_system import (
    Asks,
    OnlineContext,
    Scored,
    ScoringContext,
    StoredPart,
)
from isthmus.vertical.system import Measured

if TYPE_CHECKING:  # it loads Arrow
    from isthmus.data.scores import Scores

MOST_PARTIES: int | None = None
NUMBERS_ONLY = False  # a part of a regression refuses other rows itself


def check(_spec: Prediction) -> None:
    """Do nothing: any machine can score."""


def check_parties(spec: Prediction, passives: Sequence[str]) -> None:
    """Refuse decisions with several passive parties.

    Args:
        spec: The `[prediction]` table.
        passives: Names of the passive parties.

    Raises:
        SpecError: There are several.
    """
    if spec.decision is not None and len(passives) > 1:
        raise SpecError(
            "`prediction.decision` is for two parties, and the model has "
            f"{len(passives)} passive ones, {' and '.join(passives)}: leave it out to get scores."
        )


def model(spec: Prediction) -> str:
    """Returns the digest of the run that trained the model."""
    return spec.model


def online(spec: Prediction) -> bool:
    """Returns whether rows are scored when the active party asks for them."""
    return spec.online is not None


def most_requests(spec: Prediction) -> dict[int, int] | None:
    """Returns the requests of a run that take most bytes, by number of rows; None without any."""
    return forecasts.most_requests(spec)


def scoring_steps(spec: Prediction) -> Sequence[str]:
    """Returns what will happen after the alignment, in order, a sentence each."""
    sent = "shares of scores" if spec.system == "regression" else "decisions at its splits"
    if spec.online is not None:
        return [
            f"Score rows with the {spec.system} of the run {spec.model[:12]} as the active party "
            f"asks for them: each passive party answers with the {sent}, for at most "
            f"{spec.online.request_rows:,} rows at a time and {spec.online.rows:,} in all, until "
            "the active party ends or a passive one is stopped."
        ]
    if spec.decision is not None:
        return [
            f"Compare each shared row's score by the {spec.system} of the run {spec.model[:12]} "
            f"with {spec.decision.cut:g} under encryption: the active party learns which are "
            "above, and no score."
        ]
    return [
        f"Score the shared rows with the {spec.system} of the run {spec.model[:12]}: each passive "
        f"party sends the {sent}, and the active party gets the scores."
    ]


def sums(spec: Prediction, passives: int) -> str:
    """Returns who sums what under masks, as the beginning of a sentence; empty if nobody does."""
    if spec.system != "regression" or passives == 1:
        return ""
    return "passive parties sum their shares of the scores"


def forecast(spec: Prediction, passive: str, sizes: Sizes) -> list[Flow]:
    """Forecast the messages between the active party and one passive party."""
    return forecasts.forecast(spec, passive, sizes)


def check_part(spec: Prediction, stored: StoredPart, rows: Table) -> None:
    """Refuse a part that is not what the job says, or rows that it was not trained for."""
    from isthmus.vertical.prediction import parts

    parts.check(spec, stored, rows)


def of_run(
    stored: StoredPart, model: str, *, online: bool = False, cut: float | None = None
) -> Prediction:
    """Write the table of a job that scores with the model of a run.

    Args:
        stored: The run.
        model: Digest of the model.
        online: Whether rows are scored one by one.
        cut: Score above which the active party learns a decision, in place of all scores.

    Returns:
        The table.

    Raises:
        SpecError: The model makes no such decisions.
    """
    from isthmus.vertical.prediction import parts

    table = parts.of_run(stored, model)
    if cut is None:
        return replace(table, online=Online()) if online else table
    if online or table.system != "regression":
        raise SpecError(
            f"{stored.run.folder}: decisions above a cut are for the model of a regression, and "
            "for all shared rows at once. Leave out `--decide`, or else `--online`."
        )
    if table.classes:
        raise SpecError(
            f"{stored.run.folder}: decisions above a cut are for a model with one score per row, "
            "and this one has a score of each class. Leave out `--decide`."
        )
    parts.check_cut(stored, cut)
    return replace(table, decision=Decision(cut=cut))


def score(spec: Prediction, context: ScoringContext) -> Scored:
    """Score rows in one role; the active party gets the scores."""
    from isthmus.vertical.prediction import outcome

    return outcome.score(spec, context)


def measure_again(stored: StoredPart, scores: "Scores") -> Measured:
    """Measure the scores of a run that was stopped while it was measured."""
    from isthmus.vertical.prediction import outcome, parts

    return outcome.measured(parts.active_part(stored), scores)


def recorded(spec: Prediction, party: str, records: Iterable[Record]) -> Counter[int]:
    """Returns the requests that a run was asked before it was killed, by number of rows."""
    from isthmus.vertical.prediction import requests

    return requests.recorded(spec, party, records)


def ask(spec: Prediction, context: OnlineContext) -> Asks:
    """Get ready to score rows online, at the active party."""
    from isthmus.vertical.prediction import outcome

    return outcome.ask(spec, context)


def answer(spec: Prediction, context: OnlineContext) -> bool:
    """Answer requests at a passive party; returns whether the active party ended them."""
    from isthmus.vertical.prediction import outcome

    return outcome.answer_requests(spec, context)
