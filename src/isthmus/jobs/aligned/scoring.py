"""Our side of a job that scores rows with a stored model: align the rows, score, store."""

from functools import partial

from isthmus.core.attempts import Attempts
from isthmus.core.errors import SpecError
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.validation import Stability, TrainedGroups
from isthmus.jobs.aligned import exposure, identities, measuring, scorecards
from isthmus.jobs.aligned.measuring import UNCONFIRMED, UNMEASURED, Described
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.aligned.results import Alignment, ScoredResult
from isthmus.jobs.aligned.run import align_rows, alignment_result
from isthmus.jobs.handshake import finish_all
from isthmus.jobs.session import PartySession, Session
from isthmus.store.checkpoint import Checkpoint
from isthmus.store.runs import Run
from isthmus.vertical.labelled import only_labelled
from isthmus.vertical.scoring_system import Scored, ScoringContext, StoredPart
from isthmus.vertical.system import Measured
from isthmus.vertical.validated import stability_since
from isthmus.vertical.validated import validated as validation_of


def play(session: PartySession[AlignedPlan]) -> None:
    """Align and score; store scores, result and sealed ledger; then measure."""
    plan, telemetry = session.plan, session.telemetry
    assert plan.stored is not None, "`make_plan` found it"  # noqa: S101 - a mistake of ours
    with telemetry.timed("total"), session.connected() as lines:
        aligned = align_rows(session, lines)
        rows = plan.train.take(aligned.indices[plan.loaded.dataset].rows)
        with telemetry.timed("scoring"):
            who = identities.of(plan)
            context = ScoringContext(lines, rows, plan.stored, telemetry, identity=who)
            scored: Scored = plan.loaded.system.score(plan.loaded.spec, context)
        if scored.scores is not None:
            measuring.save(session, scored.scores)
        measuring.keep(session, aligned, _found(scored))
        alignment = alignment_result(plan, aligned)
        counts = _counts(plan, plan.stored, rows)
        _store(session, alignment, counts, UNCONFIRMED)
        finish_all(lines.values(), gathers=plan.listens)
    _store(session, alignment, counts, UNMEASURED)
    session.seal()

    with telemetry.timed("total"), telemetry.timed("measuring"):
        described = _described(session.run, plan.stored, rows, scored)
    _store(session, alignment, counts, described)
    session.run.measuring.unlink(missing_ok=True)


def measure_again(session: Session[AlignedPlan]) -> None:
    """Measure the scores of a run that was stopped while it was measured; nothing leaves.

    Args:
        session: The run, with a result.

    Raises:
        SpecError: What it takes is not there any more.
    """
    plan, run, telemetry = session.plan, session.run, session.telemetry
    assert plan.stored is not None, "`make_plan` found it"  # noqa: S101 - a mistake of ours
    found, aligned = measuring.kept(session)
    rows = plan.train.take(aligned.indices[plan.loaded.dataset].rows)
    scored = Scored()
    if _SCORES in found.arrays:
        scores = Scores(rows, found.arrays[_SCORES], decided=bool(found.facts[_DECIDED]))
        measure = partial(plan.loaded.system.measure_again, plan.stored, scores)
        scored = Scored(scores, measure)
    with telemetry.timed("total"), telemetry.timed("measuring"):
        described = _described(session.run, plan.stored, rows, scored)
    measuring.store_again(session, run.read_json(run.result.name, ScoredResult), described)


_SCORES, _DECIDED = "scores", "decided"


def _found(scored: Scored) -> Checkpoint:
    if scored.scores is None:
        return Checkpoint({})
    return Checkpoint({_SCORES: scored.scores.scores}, {_DECIDED: int(scored.scores.decided)})


def _described(run: Run, stored: StoredPart, rows: Table, scored: Scored) -> Described:
    attempts = Attempts()
    measured = attempts.find("metrics", scored.measure) or Measured()
    validation = None
    if scored.scores is not None and measured.metrics:
        validated = partial(validation_of, scored.scores, measured.metrics)
        validation = attempts.find("validation", validated)
    stability = attempts.find("stability", partial(_stability, stored.run, rows, scored))
    known = None if scored.scores is None or scored.scores.decided else scored.scores.scores
    attempts.find("reasons", partial(scorecards.write, stored.run, run, rows, known))
    missing = measured.missing | attempts.missing
    return Described(measured.metrics, validation=validation, stability=stability, missing=missing)


def _stability(trained: Run, rows: Table, scored: Scored) -> Stability:
    """Compare the rows with those that were trained on.

    Args:
        trained: The run that trained the model.
        rows: The rows that were scored.
        scored: Their scores, at the active party.

    Returns:
        How stable this party's columns and the scores are.

    Raises:
        SpecError: The run that trained on them is of a version that left nothing to compare with.
    """
    if not trained.trained_groups.exists():
        raise SpecError(
            f"{trained.folder}: has no {trained.trained_groups.name}, as an earlier version "
            "trained this model. Train it again to compare rows with those that it was trained on."
        )
    groups = trained.read_json(trained.trained_groups.name, TrainedGroups)
    found = scored.scores
    known = None if found is None or found.decided else found.scores
    return stability_since(groups, rows, known)


def _counts(plan: AlignedPlan, stored: StoredPart, rows: Table) -> dict[str, int]:
    """Count our rows, and of those with a label the ones that the model was trained on."""
    known = only_labelled(rows)
    counts = {"own": len(plan.train), "scored": len(rows), "labelled": len(known)}
    find = partial(exposure.trained_among, stored.run, known)
    trained = Attempts().find("trained rows", find) if len(known) else None
    return counts if trained is None else counts | {"trained": trained}


def _store(
    session: PartySession[AlignedPlan],
    alignment: Alignment,
    counts: dict[str, int],
    described: Described,
) -> None:
    plan, run = session.plan, session.run
    result = ScoredResult(
        **session.facts(),
        alignment=alignment,
        model=plan.loaded.system.model(plan.loaded.spec),
        system=plan.loaded.spec.system,
        rows=counts,
        columns=len(plan.train.names),
        metrics=described.metrics,
        validation=described.validation,
        stability=described.stability,
        missing=described.missing,
    )
    run.write_json(run.result.name, result)
