"""Forecasts what will leave a party, and compares it with the ledger of a run."""

import msgspec

from isthmus.core.errors import SpecError
from isthmus.jobs import finished, memory
from isthmus.jobs.consent import Crossing, message_kinds, steps
from isthmus.jobs.handshake import hello
from isthmus.jobs.messages import Done
from isthmus.jobs.plan import PartyPlan, Plan
from isthmus.jobs.result import PartyResult
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.ledger.record import records
from isthmus.ledger.summary import Row, content, summarise
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
    memory: str = ""
    """What a run takes at most at this party, beside what there is."""

    engine: str = ""
    """What computes this party's encryption, where engines differ in that."""


def explain(plan: Plan, run: Run | None = None) -> Explanation:
    """Forecast what a party will send.

    Args:
        plan: The job and the party.
        run: A finished run of this job at this party, or a simulated one: reckon with its sizes,
            and compare.

    Returns:
        One row per message type; none where one organisation trains alone.

    Raises:
        SpecError: The run is of another job or party.
    """
    if not isinstance(plan, PartyPlan):
        alone = "One organisation trains by itself: nothing leaves it."
        return Explanation(
            party="",
            role="",
            assumptions={},
            flows=[],
            bytes=0,
            notice=alone,
            memory=memory.in_words(plan),
        )
    family = plan.loaded.peers
    if run is not None and not run.ledger.exists():  # a simulated run: ours is a folder in it
        run = Run(run.folder / plan.party.party)
    if run is None:
        sizes = family.expected(plan)
    else:
        with finished.as_written(run):
            sizes = family.measured(plan, run)
    rows = _rows(plan, _sent(plan, sizes, run))
    if run is not None:
        rows = _beside_ledger(rows, run)
    return Explanation(
        party=plan.party.party,
        role=plan.role,
        assumptions=family.assumptions(plan, sizes),
        flows=rows,
        bytes=sum(row.bytes for row in rows),
        notice=plan.notice,
        memory=memory.in_words(plan),
        engine=plan.engine,
    )


def check_same(plan: PartyPlan, run: Run, result: PartyResult) -> None:
    """Refuse a finished run that is not one of this plan.

    Args:
        plan: The job and the party.
        run: The run folder.
        result: What is in it.

    Raises:
        SpecError: It is of another job or party.
    """
    if (result.digest, result.party) != (plan.digest, plan.party.party):
        raise SpecError(
            f"{run.folder}: this run is of another job, or of an older copy of it, or of another "
            "party. Give a run of this job at this party."
        )


def _sent(plan: PartyPlan, sizes: Sizes, run: Run | None) -> list[Crossing]:
    """What we send in every step of the job; of a run, in every step that it took."""
    ours = [
        [each for each in step if each.sender == plan.party.party]
        for step in steps(plan.loaded, sizes)
    ]
    if run is not None:  # it may have taken up an older alignment, or have trained nothing
        left = {record.message for record in records(run.ledger)}
        ours = [
            step for step in ours if any(type(each.flow.sample).__name__ in left for each in step)
        ]
    return [each for step in ours for each in step]


def _rows(plan: PartyPlan, sent: list[Crossing]) -> list[Forecast]:
    """What we send put together by peer and message type, in the order in which it first leaves."""
    us = plan.party.party
    first, last = Flow(plan.role, hello(plan.job, us), 1), Flow(plan.role, Done(), 1)
    hello_to = [Crossing(us, peer, first) for peer in plan.neighbours]
    ends = plan.loaded.peers.ENDS_WITH_DONE
    done_to = [Crossing(us, peer, last) for peer in plan.neighbours if ends]
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
    found = ((row, recorded.pop((row.to, row.message), None)) for row in rows)
    beside = [
        msgspec.structs.replace(
            row,
            recorded_count=sent.count if sent else 0,
            recorded_bytes=sent.bytes if sent else 0,
        )
        for row, sent in found
    ]
    return [*beside, *map(_not_forecast, recorded.values())]


def _not_forecast(sent: Row) -> Forecast:
    """What left though sizes spoke for other messages: a peer brought fewer rows than it may."""
    kind = message_kinds()[sent.message]
    return Forecast(
        message=sent.message,
        to=sent.to,
        purpose=sent.purpose,
        content=sent.content,
        protection=sent.protection,
        reveals=kind.reveals,
        disclosed=kind.discloses,
        count=0,
        bytes=0,
        recorded_count=sent.count,
        recorded_bytes=sent.bytes,
    )
