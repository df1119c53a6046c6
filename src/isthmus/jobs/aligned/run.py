"""Our side of a job over tables: align the rows, train, score, store."""

import hashlib
from dataclasses import dataclass, field
from functools import partial

from isthmus.core.arrays import Floats
from isthmus.core.attempts import Attempts
from isthmus.data.index import Index
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.description import PartialMetrics
from isthmus.evaluation.validation import Stability, TrainedGroups, Validation
from isthmus.jobs.aligned import brought
from isthmus.jobs.aligned.alignment import Aligned, align
from isthmus.jobs.aligned.job import alignment_of
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.aligned.results import Alignment, AlignmentResult, TrainedResult
from isthmus.jobs.aligned.rows import divide, scores_fold
from isthmus.jobs.handshake import finish
from isthmus.jobs.session import Lines, PartySession
from isthmus.ledger.policy import check_shared
from isthmus.store import runs
from isthmus.store.runs import Run
from isthmus.vertical import validated
from isthmus.vertical.system import Measured, Outcome, RoleContext


def play(session: PartySession[AlignedPlan]) -> None:
    """Align and train; store model, predictions, result and sealed ledger; then measure.

    Nothing that only describes the run can lose it: what fails there is named in the result.
    """
    run, telemetry = session.run, session.telemetry
    with telemetry.timed("total"), session.connected() as lines:
        aligned = align_rows(session, lines)
        train, test = _tables(session.plan, aligned)
        outcome = _train(session, lines, train, test)
        run.write_json(run.model.name, outcome.model)
        run.write_json(run.columns.name, session.plan.train.coding)
        if outcome.scores is not None:
            save(session, outcome.scores)
        _finish(lines)
    rows = {"own": len(session.plan.train), "train": len(train), "test": len(test)}
    alignment = alignment_result(session.plan, aligned)
    model = _model(session.plan, aligned, outcome)
    _store_result(session, alignment, model, outcome, UNMEASURED, rows)
    session.seal()

    with telemetry.timed("total"), telemetry.timed("measuring"):
        measured = _measured(session, outcome, train, test)
    _store_result(session, alignment, model, outcome, measured, rows)


@dataclass(frozen=True)
class Described:
    """All that is said of a model or of scores, once they are stored."""

    metrics: PartialMetrics = field(default_factory=dict[str, dict[str, float | None]])
    leakage: dict[str, float] = field(default_factory=dict[str, float])
    validation: Validation | None = None
    stability: Stability | None = None
    missing: dict[str, str] = field(default_factory=dict[str, str])


UNMEASURED = Described(missing=runs.UNMEASURED)


def save(session: PartySession[AlignedPlan], scores: Scores) -> None:
    """Write scores into the run folder, in each form that the party wants."""
    scores.save(session.run.predictions)
    if session.plan.party.predictions_csv:
        scores.save(session.run.predictions_csv)


def _measured(
    session: PartySession[AlignedPlan], outcome: Outcome, train: Table, test: Table
) -> Described:
    attempts = Attempts()
    measured = attempts.find("metrics", outcome.measure) or Measured()
    scores, metrics = measured.scores or outcome.scores, measured.metrics
    validation = None
    if scores is not None:
        attempts.find("predictions", partial(save, session, scores))
        validation = attempts.find("validation", partial(validated.validated, scores, metrics))
    scored = None if scores is None else scores.scores
    groups = attempts.find(
        "trained_groups", partial(_keep_groups, session.run, train, outcome.train_scores)
    )
    stability = None
    if groups is not None:
        stability = attempts.find(
            "stability", partial(validated.stability_since, groups, test, scored)
        )
    missing = measured.missing | attempts.missing
    return Described(metrics, measured.leakage, validation, stability, missing)


def _keep_groups(run: Run, train: Table, scores: Floats | None) -> TrainedGroups:
    """Leave what a job that scores with this model compares its rows with."""
    groups = validated.trained_groups(train, scores)
    run.write_json(run.trained_groups.name, groups)
    return groups


def align_only(session: PartySession[AlignedPlan]) -> None:
    """Align, and keep the index."""
    with session.telemetry.timed("total"), session.connected() as lines:
        aligned = align_rows(session, lines)
        _finish(lines)
    session.run.write_json(session.run.result.name, _alignment_result(session, aligned))


def align_rows(session: PartySession[AlignedPlan], lines: Lines) -> Aligned:
    """Find the shared rows, and keep the index of those that the job is about."""
    plan = session.plan
    with session.telemetry.timed("alignment"):
        aligned = align(plan, lines, session.run, session.telemetry)
    index = aligned.indices.get(plan.loaded.dataset)
    if index is not None:
        _of_file(index, plan.train).save(session.run.index)
    if aligned.size is not None:
        check_shared(plan.party.policy, aligned.size)
    return aligned


def _of_file(index: Index, table: Table) -> Index:
    """An index for people: `duplicates` may have left out rows of their file."""
    return index if table.positions is None else Index(table.positions[index.rows])


def _tables(plan: AlignedPlan, aligned: Aligned) -> tuple[Table, Table]:
    """Training and test rows in the order common to all parties."""
    data = plan.loaded.data
    rows = plan.train.take(aligned.indices[plan.loaded.dataset].rows)
    train, held_out = divide(rows.identifiers, data, plan.job.seed)
    if scores_fold(data) or plan.test is None or data.test is None:
        return rows.take(train), rows.take(held_out)
    return rows.take(train), plan.test.take(aligned.indices[data.test].rows)


def _train(session: PartySession[AlignedPlan], lines: Lines, train: Table, test: Table) -> Outcome:
    plan, loaded = session.plan, session.plan.loaded
    context = RoleContext(
        role=plan.role,
        peers=lines,
        train=train,
        test=test,
        telemetry=session.telemetry,
        checkpoint=session.run.checkpoint,
        job=plan.digest,
        seed=plan.job.seed,
        monotone=plan.monotone,
        workers=plan.party.workers,
    )
    with session.telemetry.timed("training"):
        outcome: Outcome = loaded.system.play(loaded.spec, context)
        return outcome


def _finish(lines: Lines) -> None:
    for line in lines.values():
        finish(line)


def _store_result(
    session: PartySession[AlignedPlan],
    alignment: Alignment,
    model: str,
    outcome: Outcome,
    described: Described,
    rows: dict[str, int],
) -> None:
    plan, run = session.plan, session.run
    result = TrainedResult(
        **session.facts(),
        alignment=alignment,
        rows=rows,
        system=plan.loaded.table,
        model=model,
        columns=len(plan.train.names),
        metrics=described.metrics,
        rounds=outcome.rounds,
        converged=outcome.converged,
        ending=outcome.ending,
        curve=outcome.curve,
        leakage=described.leakage,
        validation=described.validation,
        stability=described.stability,
        missing=described.missing,
    )
    run.write_json(run.result.name, result)


def _model(plan: AlignedPlan, aligned: Aligned, outcome: Outcome) -> str:
    """Digest of a training: all parties compute the same, and that of another run differs."""
    return hashlib.sha256(f"{plan.digest}/{aligned.id}/{outcome.run}".encode()).hexdigest()


def _alignment_result(session: PartySession[AlignedPlan], aligned: Aligned) -> AlignmentResult:
    plan = session.plan
    return AlignmentResult(
        **session.facts(), alignment=alignment_result(plan, aligned), rows={"own": len(plan.train)}
    )


def alignment_result(plan: AlignedPlan, aligned: Aligned) -> Alignment:
    """Returns what the result of a run says of its alignment."""
    return Alignment(
        method=alignment_of(plan.job).method,
        protects=not plan.simulated,
        notice=plan.notice,
        size=aligned.size,
        reused=not aligned.new,
        found=brought.share_found(plan, aligned.size),
        warnings=[*brought.warnings(plan), *brought.never_found(plan, aligned.indices)],
    )
