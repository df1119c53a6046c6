"""Our side of a job over tables: align the rows, train, score, store."""

import msgspec

from isthmus.data.index import Index, split
from isthmus.data.table import Table
from isthmus.jobs.alignment import Aligned, align
from isthmus.jobs.begun import Begun, Lines
from isthmus.jobs.handshake import part
from isthmus.jobs.plan import TablePlan
from isthmus.jobs.result import Alignment, AlignmentResult, Result
from isthmus.jobs.systems import vertical_of
from isthmus.ledger.policy import check_shared
from isthmus.vertical.system import Outcome, RoleContext


def play(begun: Begun[TablePlan]) -> None:
    """Align, train, and store what came of it."""
    with begun.telemetry.timed("total"), begun.connected() as lines:
        aligned = _align(begun, lines)
        train, test = _tables(begun.plan, aligned)
        outcome = _train(begun, lines, train, test)
        _part(lines)
    _store(begun, aligned, outcome, train, test)


def align_only(begun: Begun[TablePlan]) -> None:
    """Align, and keep the index."""
    with begun.telemetry.timed("total"), begun.connected() as lines:
        aligned = _align(begun, lines)
        _part(lines)
    begun.run.write_json(begun.run.result.name, _alignment_result(begun, aligned))


def _align(begun: Begun[TablePlan], lines: Lines) -> Aligned:
    plan = begun.plan
    with begun.telemetry.timed("alignment"):
        aligned = align(plan, lines, begun.run, begun.telemetry)
    index = aligned.indices.get(plan.job.data.train)
    if index is not None:
        _of_file(index, plan.train).save(begun.run.index)
    if aligned.size is not None:
        check_shared(plan.party.policy, aligned.size)
    return aligned


def _of_file(index: Index, table: Table) -> Index:
    """An index for people: `duplicates` may have left out rows of their file."""
    return index if table.positions is None else Index(table.positions[index.rows])


def _tables(plan: TablePlan, aligned: Aligned) -> tuple[Table, Table]:
    """Training and test rows in the order common to all parties."""
    data = plan.job.data
    rows = plan.train.take(aligned.indices[data.train].rows)
    share = data.test_share if data.test is None else 0.0  # the order of batches comes from it too
    train, held_out = split(rows.identifiers, share, plan.job.seed)
    if data.test is None or plan.test is None:
        return rows.take(train), rows.take(held_out)
    return rows.take(train), plan.test.take(aligned.indices[data.test].rows)


def _train(begun: Begun[TablePlan], lines: Lines, train: Table, test: Table) -> Outcome:
    plan, system = begun.plan, vertical_of(begun.plan.job)
    setting = RoleContext(
        role=plan.role,
        peers=lines,
        train=train,
        test=test,
        telemetry=begun.telemetry,
        checkpoint=begun.run.checkpoint,
        job=plan.digest,
        seed=plan.job.seed,
        monotone=plan.monotone,
        workers=plan.party.workers,
    )
    with begun.telemetry.timed("training"):
        return system.play(system.spec(plan.job), setting)


def _part(lines: Lines) -> None:
    for line in lines.values():
        part(line)


def _store(
    begun: Begun[TablePlan], aligned: Aligned, outcome: Outcome, train: Table, test: Table
) -> None:
    plan, run = begun.plan, begun.run
    run.write_json(run.model.name, outcome.model)
    if outcome.scores is not None:
        outcome.scores.save(run.predictions)
    facts = msgspec.structs.asdict(_alignment_result(begun, aligned))
    facts["rows"] |= {"train": len(train), "test": len(test)}
    result = Result(
        **facts,
        system=vertical_of(plan.job).table,
        columns=len(train.names),
        metrics=outcome.metrics,
        rounds=outcome.rounds,
        converged=outcome.converged,
        ending=outcome.ending,
        curve=outcome.curve,
        leakage=outcome.leakage,
    )
    run.write_json(run.result.name, result)


def _alignment_result(begun: Begun[TablePlan], aligned: Aligned) -> AlignmentResult:
    plan = begun.plan
    return AlignmentResult(
        **begun.facts(),
        alignment=Alignment(
            method=plan.job.alignment.method,
            protects=not plan.simulated,
            notice=plan.notice,
            size=aligned.size,
            reused=not aligned.new,
        ),
        rows={"own": len(plan.train)},
    )
