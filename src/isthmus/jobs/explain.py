"""What will leave a party, before it does; and after a run, beside what its ledger says."""

from dataclasses import replace

import msgspec

from isthmus.core.errors import SpecError
from isthmus.jobs.consent import Crossing, steps
from isthmus.jobs.handshake import hello
from isthmus.jobs.messages import Done
from isthmus.jobs.plan import Plan, SamplesPlan, TablePlan
from isthmus.jobs.result import (
    AlignmentResult,
    Result,
    RoundsResult,
    RunResult,
    has_trained,
    is_simulation,
)
from isthmus.jobs.systems import aligns, system_of, trains
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.ledger.record import records
from isthmus.ledger.summary import content, summarise
from isthmus.store.runs import Run
from isthmus.transport.message import Message, describe, listed, protections


class Forecast(msgspec.Struct, frozen=True):
    """All messages of one type that a party will send."""

    message: str
    to: str
    purpose: str
    content: str
    protection: str
    reveals: str
    disclosed: bool
    count: int
    bytes: int
    recorded_count: int | None = None
    recorded_bytes: int | None = None


class Explanation(msgspec.Struct, frozen=True):
    """A forecast, and what it reckons with."""

    party: str
    role: str
    assumptions: dict[str, int]
    flows: list[Forecast]
    bytes: int
    notice: str


def explain(plan: TablePlan | SamplesPlan, run: Run | None = None) -> Explanation:
    """Forecast what a party will send.

    Args:
        plan: The job and the party.
        run: A finished run of this job at this party, or a simulated one: reckon with its sizes,
            and compare.

    Returns:
        One row per message type.

    Raises:
        SpecError: The run is of another job or party.
    """
    if run is not None and is_simulation(run):
        run = Run(run.folder / plan.party.party)
    sizes = _expected(plan) if run is None else _measured(plan, run)
    rows = _rows(plan, _sent(plan, sizes, run))
    if run is not None:
        rows = _beside_ledger(rows, run)
    total = sum(row.bytes for row in rows)
    return Explanation(
        plan.party.party, plan.role, _assumptions(plan, sizes), rows, total, plan.notice
    )


def _sent(plan: Plan, sizes: Sizes, run: Run | None) -> list[Crossing]:
    """What we send in every step of the job; of a run, in every step that it took."""
    ours = [
        [each for each in step if each.sender == plan.party.party]
        for step in steps(plan.job, sizes)
    ]
    if run is not None:  # it may have taken up an older alignment, or have trained nothing
        left = {record.message for record in records(run.ledger)}
        ours = [
            step for step in ours if any(type(each.flow.sample).__name__ in left for each in step)
        ]
    return [each for step in ours for each in step]


def _assumptions(plan: Plan, sizes: Sizes) -> dict[str, int]:
    if not aligns(plan.job):
        return {"rounds": sizes.rounds}
    training = {"train_rows": sizes.train, "test_rows": sizes.test, "rounds": sizes.rounds}
    return {
        "shared_rows": sizes.shared,
        **(training if trains(plan.job) else {}),
        **{f"{party}_rows": count for party, count in sizes.rows.items()},
    }


def _expected(plan: TablePlan | SamplesPlan) -> Sizes:
    """Our own sizes as they are, the others' as the job declares them, or else like ours."""
    if isinstance(plan, SamplesPlan):
        return _in_rounds(plan)
    job = plan.job
    rows = {party: member.rows or len(plan.train) for party, member in job.parties.items()}
    rows[plan.party.party] = len(plan.train)
    if job.expected:
        return _sizes(plan, rows, job.expected.shared_rows, job.expected.rounds)
    system = system_of(job) if trains(job) else None
    rounds = system.rounds(system.spec(job)) if system else 0
    return _sizes(plan, rows, min(rows.values()), rounds)


def _in_rounds(plan: SamplesPlan) -> Sizes:
    """How much crosses depends on the model and the rounds, and not on who has how many samples."""
    job, system = plan.job, system_of(plan.job)
    rounds = job.expected.rounds if job.expected else system.rounds(system.spec(job))
    return Sizes(dict.fromkeys(job.parties, 0), 0, train=1, test=0, test_rows={}, rounds=rounds)


def _sizes(plan: TablePlan, rows: dict[str, int], shared: int, rounds: int) -> Sizes:
    expected = plan.job.expected
    columns = expected.columns if plan.listens and expected else len(plan.train.names)
    if plan.test is not None:
        test_rows = dict.fromkeys(rows, len(plan.test))
        return Sizes(rows, shared, shared, len(plan.test), test_rows, rounds, columns)
    test = round(shared * plan.job.data.test_share)
    return Sizes(rows, shared, shared - test, test, {}, rounds, columns)


def _measured(plan: TablePlan | SamplesPlan, run: Run) -> Sizes:
    # The sizes that the run had, where `_expected` has to guess.
    if isinstance(plan, SamplesPlan):
        done = run.read_json(run.result.name, RoundsResult)
        _check_same(plan, run, done)
        return replace(_in_rounds(plan), rounds=done.rounds)
    if not has_trained(run):
        result = run.read_json(run.result.name, AlignmentResult)
        _check_same(plan, run, result)
        return replace(_expected(plan), shared=result.alignment.size or 0)
    result = run.read_json(run.result.name, Result)
    _check_same(plan, run, result)
    train, test = result.rows["train"], result.rows["test"]
    shared = train + (0 if plan.test is not None else test)
    return replace(_expected(plan), shared=shared, train=train, test=test, rounds=result.rounds)


def _check_same(plan: Plan, run: Run, result: RunResult) -> None:
    if (result.digest, result.party) != (plan.digest, plan.party.party):
        raise SpecError(
            f"{run.folder}: this run is of another job, or of an older copy of it, or of another "
            "party. Give a run of this job at this party."
        )


def _rows(plan: Plan, sent: list[Crossing]) -> list[Forecast]:
    """What we send put together by peer and message type, in the order in which it first leaves."""
    us = plan.party.party
    first, last = Flow(plan.role, hello(plan.job, us), 1), Flow(plan.role, Done(), 1)
    hello_to = [Crossing(us, peer, first) for peer in plan.neighbours]
    parts = aligns(plan.job)  # rounds end with the word of a child that it keeps the network
    done_to = [Crossing(us, peer, last) for peer in plan.neighbours if parts]
    grouped: dict[tuple[str, type[Message]], list[Flow]] = {}
    for each in [*hello_to, *sent, *done_to]:
        grouped.setdefault((each.to, type(each.flow.sample)), []).append(each.flow)
    return [
        Forecast(
            message=kind.__name__,
            to=peer,
            purpose=kind.purpose,
            content=content(describe(flow.sample) for flow in group),
            protection=listed(protections(kind).values()),
            reveals=kind.reveals,
            disclosed=kind.discloses,
            count=sum(flow.count for flow in group),
            bytes=sum(flow.bytes for flow in group),
        )
        for (peer, kind), group in grouped.items()
    ]


def _beside_ledger(rows: list[Forecast], run: Run) -> list[Forecast]:
    recorded = {(row.to, row.message): row for row in summarise(records(run.ledger))}
    found = ((row, recorded.get((row.to, row.message))) for row in rows)
    return [
        msgspec.structs.replace(
            row,
            recorded_count=sent.count if sent else 0,
            recorded_bytes=sent.bytes if sent else 0,
        )
        for row, sent in found
    ]
