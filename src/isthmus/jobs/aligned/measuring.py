"""Figures of a model or of scores: found once all is stored, and again where that was cut short."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import msgspec

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.core.errors import SpecError
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.description import PartialMetrics
from isthmus.evaluation.validation import Stability, TrainedGroups, Validation
from isthmus.jobs.aligned import alignment, scorecards
from isthmus.jobs.aligned.alignment import Aligned
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.aligned.results import ScoredResult, TrainedResult
from isthmus.jobs.session import Session
from isthmus.store import checkpoint, runs
from isthmus.store.checkpoint import Checkpoint
from isthmus.store.runs import Run
from isthmus.vertical import validated
from isthmus.vertical.system import Measured


@dataclass(frozen=True)
class Described:
    """All that is said of a model or of scores, once they are stored."""

    metrics: PartialMetrics = field(default_factory=dict[str, dict[str, float | None]])
    leakage: dict[str, float] = field(default_factory=dict[str, float])
    validation: Validation | None = None
    stability: Stability | None = None
    missing: dict[str, str] = field(default_factory=dict[str, str])


UNMEASURED = Described(missing=runs.UNMEASURED)
UNCONFIRMED = replace(UNMEASURED, missing=runs.UNMEASURED | runs.UNCONFIRMED)


def save(session: Session[AlignedPlan], scores: Scores) -> None:
    """Write scores into the run folder, in each form that the party wants."""
    scores.save(session.run.predictions)
    if session.plan.party.predictions_csv:
        scores.save(session.run.predictions_csv)


def keep(session: Session[AlignedPlan], aligned: Aligned, found: Checkpoint) -> None:
    """Store what measuring takes, until it is done.

    Args:
        session: The run.
        aligned: The alignment, which the party keeps too.
        found: What training or scoring has found.
    """
    whole = Checkpoint(found.arrays, found.facts | {"alignment": aligned.id})
    checkpoint.save(session.run.measuring, session.plan.digest, whole)


def kept(session: Session[AlignedPlan]) -> tuple[Checkpoint, Aligned]:
    """Read what `keep` stored.

    Args:
        session: The run, which was stopped while it was measured.

    Returns:
        What training or scoring has found, and the alignment.

    Raises:
        SpecError: They are not there any more.
    """
    file = session.run.measuring
    found = checkpoint.load(file, session.plan.digest)
    if found is None:
        raise SpecError(
            f"{file}: is not there any more, so the run cannot be measured. Begin another one with "
            "`--again`."
        )
    return found, alignment.stored(session.plan, str(found.facts["alignment"]))


ResultT = TypeVar("ResultT", TrainedResult, ScoredResult)


def store_again(session: Session[AlignedPlan], before: ResultT, described: Described) -> None:
    """Store a result with its figures, in the place of one without them.

    Args:
        session: The run.
        before: The result without.
        described: The figures.
    """
    run = session.run
    unconfirmed = runs.UNCONFIRMED if run.unconfirmed else {}
    fields = {name: getattr(described, name) for name in ("metrics", "validation", "stability")}
    if isinstance(before, TrainedResult):
        fields["leakage"] = described.leakage
    fields["missing"] = described.missing | unconfirmed
    fields["seconds"] = before.seconds | session.facts()["seconds"]
    run.write_json(run.result.name, msgspec.structs.replace(before, **fields))
    run.measuring.unlink(missing_ok=True)


def describe_training(
    session: Session[AlignedPlan],
    measure: Callable[[], Measured],
    found: Checkpoint,
    train: Table,
    test: Table,
) -> Described:
    """Measure a model, and compare the rows that it was trained on with those that it scores.

    Args:
        session: The run.
        measure: Measures the model.
        found: What training has found.
        train: The rows that it was trained on.
        test: The rows that it has scored.

    Returns:
        The figures; why one is missing, if it could not be found.
    """
    attempts = Attempts()
    measured = attempts.find("metrics", measure) or Measured()
    scores, validation = measured.scores, None
    if scores is not None:
        attempts.find("predictions", partial(save, session, scores))
        find = partial(validated.validated, scores, measured.metrics)
        validation = attempts.find("validation", find)
    groups = attempts.find(
        "trained_groups", partial(_keep_groups, session.run, train, found.arrays.get("training"))
    )
    stability = None
    if groups is not None:
        scored = None if scores is None else scores.scores
        stability = attempts.find(
            "stability", partial(validated.stability_since, groups, test, scored)
        )
    joint = None if scores is None else scores.scores
    attempts.find("scorecard", partial(scorecards.write, session.run, session.run, test, joint))
    missing = measured.missing | attempts.missing
    return Described(measured.metrics, measured.leakage, validation, stability, missing)


def _keep_groups(run: Run, train: Table, scores: Floats | None) -> TrainedGroups:
    """Leave what a job that scores with this model compares its rows with."""
    groups = validated.trained_groups(train, scores)
    run.write_json(run.trained_groups.name, groups)
    return groups
