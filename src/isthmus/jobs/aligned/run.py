"""Our side of a job over tables: align the rows, train, score, store."""

import hashlib
from functools import partial

import msgspec
from msgspec.structs import replace

from isthmus.data.index import Index
from isthmus.data.table import Table
from isthmus.jobs.aligned import brought, exposure, identities, limits, measuring, preparing
from isthmus.jobs.aligned.alignment import Aligned, align
from isthmus.jobs.aligned.job import alignment_of
from isthmus.jobs.aligned.measuring import UNCONFIRMED, UNMEASURED, Described
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.aligned.preparing import Rows
from isthmus.jobs.aligned.results import Alignment, AlignmentResult, TrainedResult
from isthmus.jobs.aligned.rows import divide, scores_fold
from isthmus.jobs.handshake import finish_all
from isthmus.jobs.session import Lines, PartySession, Session
from isthmus.ledger.policy import check_shared
from isthmus.paramserver.spec import Cluster
from isthmus.store import runs
from isthmus.vertical.system import Outcome, RoleContext


def play(session: PartySession[AlignedPlan]) -> None:
    """Align and train; store model, predictions, result and sealed ledger; then measure.

    Nothing that only describes the run can lose it: what fails there is named in the result.
    """
    run, telemetry = session.run, session.telemetry
    with telemetry.timed("total"), session.connected() as lines:
        aligned = align_rows(session, lines)
        train, test = _tables(session.plan, aligned)
        exposure.begin(session.plan, run, train)
        rows = preparing.prepare(session, lines, train, test)
        limits.check_columns(session.plan, rows.train)
        outcome = _train(session, lines, rows)
        run.write_json(run.model.name, outcome.model)
        run.write_json(run.columns.name, session.plan.train.coding)
        if outcome.scores is not None:
            measuring.save(session, outcome.scores)
        measuring.keep(session, aligned, outcome.found)
        alignment = alignment_result(session.plan, aligned)
        model = _model(session.plan, aligned, outcome)
        _store_result(session, alignment, model, outcome, UNCONFIRMED, rows)
        finish_all(lines.values(), gathers=session.plan.listens)
    _store_result(session, alignment, model, outcome, UNMEASURED, rows)
    session.seal()

    with telemetry.timed("total"), telemetry.timed("measuring"):
        found, measure = outcome.found, outcome.measure
        measured = measuring.describe_training(session, measure, found, rows.train, rows.test)
    _store_result(session, alignment, model, outcome, measured, rows)
    run.measuring.unlink(missing_ok=True)


def measure_again(session: Session[AlignedPlan]) -> None:
    """Measure the model of a run that was stopped while it was measured; nothing leaves.

    Args:
        session: The run, with a result.

    Raises:
        SpecError: What it takes is not there any more.
    """
    plan, run, telemetry = session.plan, session.run, session.telemetry
    found, aligned = measuring.kept(session)
    rows = preparing.again(session, *_tables(plan, aligned))
    context = _context(session, {}, rows)
    measure = partial(plan.loaded.system.measure_again, rows.spec, context, found)
    with telemetry.timed("total"), telemetry.timed("measuring"):
        described = measuring.describe_training(session, measure, found, rows.train, rows.test)
    before = run.read_json(run.result.name, TrainedResult)
    measuring.store_again(session, before, described)


def align_only(session: PartySession[AlignedPlan]) -> None:
    """Align, and keep the index."""
    run = session.run
    with session.telemetry.timed("total"), session.connected() as lines:
        aligned = align_rows(session, lines)
        found = _alignment_result(session, aligned)
        run.write_json(run.result.name, msgspec.structs.replace(found, missing=runs.UNCONFIRMED))
        finish_all(lines.values(), gathers=session.plan.listens)
    run.write_json(run.result.name, _alignment_result(session, aligned))


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


def _train(session: PartySession[AlignedPlan], lines: Lines, rows: Rows) -> Outcome:
    with session.telemetry.timed("training"):
        context = _context(session, lines, rows)
        outcome: Outcome = session.plan.loaded.system.play(rows.spec, context)
        return outcome


def _context(session: Session[AlignedPlan], lines: Lines, rows: Rows) -> RoleContext:
    plan = session.plan
    return RoleContext(
        role=plan.role,
        peers=lines,
        train=rows.train,
        test=rows.test,
        telemetry=session.telemetry,
        checkpoint=session.run.checkpoint,
        job=plan.digest,
        seed=plan.job.seed,
        monotone=plan.monotone,
        party=plan.party.party,
        minimum_column_rows=plan.party.policy.minimum_column_rows,
        identity=identities.of(plan),
        engine=plan.party.compute.engine,
        workers=plan.party.compute.workers,
        cluster=_cluster(plan),
    )


def _cluster(plan: AlignedPlan) -> Cluster | None:
    """The Ray of this party, with the path of its token complete."""
    given = plan.party.compute.cluster
    return given and replace(given, token=str(plan.folder / given.token))


def _store_result(
    session: PartySession[AlignedPlan],
    alignment: Alignment,
    model: str,
    outcome: Outcome,
    described: Described,
    rows: Rows,
) -> None:
    plan, run = session.plan, session.run
    result = TrainedResult(
        **session.facts(),
        alignment=alignment,
        rows={"own": len(plan.train), "train": len(rows.train), "test": len(rows.test)},
        system=plan.loaded.table,
        model=model,
        columns=len(rows.train.names),
        prepared={} if rows.prepared is None else rows.prepared.counts,
        metrics=described.metrics,
        rounds=outcome.rounds,
        functions=list(outcome.functions),
        converged=outcome.converged,
        ending=outcome.ending,
        curve=outcome.curve,
        level=getattr(plan.loaded.spec, "level", ""),
        workers=plan.party.compute.workers or 1,
        leakage=described.leakage,
        exposure=exposure.of_run(plan, run),
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
