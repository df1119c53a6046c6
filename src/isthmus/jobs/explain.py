"""What will leave a party, before it does; and after a run, beside what its ledger says."""

from dataclasses import replace

import msgspec

from isthmus.core.errors import SpecError
from isthmus.jobs.consent import flows
from isthmus.jobs.handshake import hello
from isthmus.jobs.messages import Done
from isthmus.jobs.plan import Plan
from isthmus.jobs.result import Result, is_simulation
from isthmus.jobs.systems import system_of
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


def explain(plan: Plan, run: Run | None = None) -> Explanation:
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
    rows = _rows(plan, [flow for flow in flows(plan.job, sizes) if flow.sender == plan.role])
    if run is not None:
        rows = _beside_ledger(rows, run)
    assumptions = {
        "shared_rows": sizes.shared,
        "train_rows": sizes.train,
        "test_rows": sizes.test,
        "rounds": sizes.rounds,
        **{f"{role}_rows": count for role, count in sizes.rows.items()},
    }
    total = sum(row.bytes for row in rows)
    return Explanation(plan.party.party, plan.role, assumptions, rows, total)


def _expected(plan: Plan) -> Sizes:
    """Our own sizes as they are, the others' as the job declares them, or else like ours."""
    job = plan.job
    rows = {member.role: member.rows or len(plan.train) for member in job.parties.values()}
    rows[plan.role] = len(plan.train)
    if job.expected:
        return _sizes(plan, rows, job.expected.shared_rows, job.expected.rounds)
    rounds: int = getattr(job, system_of(job).table).max_rounds
    return _sizes(plan, rows, min(rows.values()), rounds)


def _sizes(plan: Plan, rows: dict[str, int], shared: int, rounds: int) -> Sizes:
    if plan.test is not None:
        test_rows = dict.fromkeys(rows, len(plan.test))
        return Sizes(rows, shared, shared, len(plan.test), test_rows, rounds)
    test = round(shared * plan.job.data.test_share)
    return Sizes(rows, shared, shared - test, test, {}, rounds)


def _measured(plan: Plan, run: Run) -> Sizes:
    # The sizes that the run had, where `_expected` has to guess.
    result = run.read_json(run.result.name, Result)
    if (result.digest, result.party) != (plan.digest, plan.party.party):
        raise SpecError(
            f"{run.folder}: this run is of another job, or of an older copy of it, or of another "
            "party. Give a run of this job at this party."
        )
    train, test = result.rows["train"], result.rows["test"]
    return replace(
        _expected(plan), shared=result.alignment.size, train=train, test=test, rounds=result.rounds
    )


def _rows(plan: Plan, sent: list[Flow]) -> list[Forecast]:
    """Flows put together by message type, in the order in which they first leave."""
    (peer,) = plan.job.peers(plan.party.party)
    grouped: dict[type[Message], list[Flow]] = {}
    first, last = hello(plan.job, plan.party.party), Done()
    for flow in [Flow(plan.role, first, 1), *sent, Flow(plan.role, last, 1)]:
        grouped.setdefault(type(flow.sample), []).append(flow)
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
        for kind, group in grouped.items()
    ]


def _beside_ledger(rows: list[Forecast], run: Run) -> list[Forecast]:
    recorded = {row.message: row for row in summarise(records(run.ledger))}
    found = ((row, recorded.get(row.message)) for row in rows)
    return [
        msgspec.structs.replace(
            row,
            recorded_count=sent.count if sent else 0,
            recorded_bytes=sent.bytes if sent else 0,
        )
        for row, sent in found
    ]
