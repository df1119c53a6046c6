"""Our side of a job in rounds: as the master or as a child, train, store, measure.

Training is over lines of our own, or on a Flower federation, where other processes play our role
(`flower.py`): the same role, over other lines.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from isthmus.core.attempts import Attempts
from isthmus.core.errors import SpecError
from isthmus.evaluation.description import Metrics
from isthmus.horizontal.fusion import rules
from isthmus.horizontal.messages import EncoderRequest
from isthmus.horizontal.rounds import protocol
from isthmus.horizontal.rounds.inbox import Inbox
from isthmus.horizontal.rounds.memory import ChildMemory, MasterMemory
from isthmus.horizontal.rounds.training import Round, TrainingState
from isthmus.horizontal.system import LocalData, RoundsOutcome
from isthmus.jobs import connection, notices
from isthmus.jobs.rounds import flower_run, identities
from isthmus.jobs.rounds.admission import admission
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.jobs.rounds.results import RoundsResult
from isthmus.jobs.session import PartySession, Session, joined
from isthmus.nn import threads
from isthmus.nn.spec import type_of
from isthmus.store.runs import UNCONFIRMED, UNMEASURED
from isthmus.transport.channel import Channel


def play(session: PartySession[RoundsPlan]) -> None:
    """Train; store the network, the result and the sealed ledger; then measure."""
    plan, run = session.plan, session.run
    threads.use(plan.party.compute.workers or 1)
    with session.telemetry.timed("total"):
        with session.telemetry.timed("training"):
            ended = RoundsOutcome.load(run.trained, plan.digest) or _train(session)
        run.write_json(run.rounds.name, ended.rounds)
        measure = _store(session, ended)
    result = _result(session, ended)
    run.write_json(run.result.name, result)
    session.seal()

    with session.telemetry.timed("total"):
        measured = _measured(session, ended, measure, result)
    run.write_json(run.result.name, replace(measured, seconds=session.facts()["seconds"]))


def measure_again(session: Session[RoundsPlan]) -> None:
    """Measure the network of a run that was stopped while it was measured; nothing leaves.

    Args:
        session: The run, with a result.

    Raises:
        SpecError: The parameters are not there any more.
    """
    plan, run = session.plan, session.run
    threads.use(plan.party.compute.workers or 1)
    ended = RoundsOutcome.load(run.trained, plan.digest)
    if ended is None:
        raise SpecError(
            f"{run.trained}: is not there any more, so the run cannot be measured. Begin another "
            "one with `--again`."
        )
    before = run.read_json(run.result.name, RoundsResult)
    result = _measured(session, ended, _store(session, ended), before)
    seconds = before.seconds | session.facts()["seconds"]
    run.write_json(run.result.name, replace(result, seconds=seconds))


def offer_again(session: PartySession[RoundsPlan]) -> None:
    """Send the network of a finished run to children that come for it; nobody trains.

    Args:
        session: The run of the master, with a result; its ledger is open.
    """
    plan, run = session.plan, session.run
    before = run.read_json(run.result.name, RoundsResult)
    holders = _lead(session).holders
    facts = session.facts()
    missing = {name: why for name, why in before.missing.items() if name not in UNCONFIRMED}
    result = replace(
        before,
        egress=facts["egress"],
        learned=joined([*before.learned, *facts["learned"]]),
        holders=list(holders),
        missing=missing | _unconfirmed(plan, holders),
    )
    run.write_json(run.result.name, result)


def _result(session: PartySession[RoundsPlan], ended: RoundsOutcome) -> RoundsResult:
    """The result of a run in which nothing has been measured."""
    plan, spec = session.plan, session.plan.loaded.spec
    return RoundsResult(
        **session.facts(),
        rows=_rows(plan.local),
        system=plan.loaded.table,
        network=type_of(spec.network),
        rule=rules.name(spec.fusion),
        privacy=spec.privacy,
        model=ended.model,
        metrics={},
        rounds=ended.count,
        ending=f"ended after {ended.count} rounds",
        weights=_last_weights(ended.rounds),
        holders=list(ended.holders),
        missing=UNMEASURED | _unconfirmed(plan, ended.holders),
    )


def leader(session: PartySession[RoundsPlan]) -> Callable[[Inbox], RoundsOutcome]:
    """Prepare to train as the master, before anybody is contacted.

    Args:
        session: The run.

    Returns:
        Trains over lines to the children, and keeps what comes of it in the run folder.

    Raises:
        SpecError: Our samples, or what an earlier run left, do not fit the job.
    """
    plan = session.plan
    spec, system = plan.loaded.spec, plan.loaded.system
    memory = MasterMemory(session.run.checkpoint, plan.digest)
    memory.load()
    ended = RoundsOutcome.load(session.run.trained, plan.digest)
    if ended is not None:  # whatever has become of the checkpoint: nothing is trained again
        memory.state = TrainingState(ended.parameters, rounds=ended.rounds, done=True)
        memory.vocabulary = ended.vocabulary
    training = system.lead(spec, plan.local)

    def lead(children: Inbox) -> RoundsOutcome:
        found = protocol.master(
            children, training, spec.rounds, session.telemetry, memory, wait=plan.party.wait
        )
        count = len(found.rounds)
        ended = RoundsOutcome(
            found.parameters,
            found.model,
            count,
            found.rounds,
            found.holders,
            vocabulary=found.vocabulary,
        )
        ended.save(session.run.trained, plan.digest)
        return ended

    return lead


def follower(session: PartySession[RoundsPlan]) -> Callable[[Channel], RoundsOutcome]:
    """Prepare to train as a child, before anybody is contacted.

    Args:
        session: The run.

    Returns:
        Trains over the line to the master, and keeps what comes of it in the run folder.

    Raises:
        SpecError: Our samples, or what an earlier run left, do not fit the job.
    """
    plan = session.plan
    spec, system = plan.loaded.spec, plan.loaded.system
    memory = ChildMemory(session.run.checkpoint, plan.digest)
    memory.load()
    wanted = None if plan.party.helps_only else type_of(spec.network)
    known = identities.of(plan)
    prepare = system.follow(spec, plan.local)

    def outcome(found: protocol.Received) -> RoundsOutcome:
        return RoundsOutcome(
            found.parameters,
            found.model,
            found.rounds,
            metrics=found.metrics,
            vocabulary=found.vocabulary,
        )

    def store(found: protocol.Received) -> None:
        outcome(found).save(session.run.trained, plan.digest)

    def follow(master: Channel) -> RoundsOutcome:
        return outcome(
            protocol.child(master, wanted, prepare, session.telemetry, memory, known, store=store)
        )

    return follow


def _store(session: Session[RoundsPlan], ended: RoundsOutcome) -> Callable[[], Metrics]:
    """Store the network, and return what measures it."""
    plan, folder = session.plan, session.run.network
    measure: Callable[[], Metrics] = plan.loaded.system.finish(
        plan.loaded.spec, plan.local, ended, folder, session.telemetry
    )
    return measure


def _measured(
    session: Session[RoundsPlan],
    ended: RoundsOutcome,
    measure: Callable[[], Metrics],
    result: RoundsResult,
) -> RoundsResult:
    """Measure the network, and what the rounds have cost.

    Args:
        session: The run.
        ended: The result of the rounds.
        measure: Measures the network.
        result: Of the run, without what is measured.

    Returns:
        The result with it; why a figure is missing, if it could not be found.
    """
    plan, attempts = session.plan, Attempts()
    spec, system = plan.loaded.spec, plan.loaded.system
    with session.telemetry.timed("measuring"):
        metrics = attempts.find("metrics", measure)
    epsilon = attempts.find("epsilon", lambda: system.epsilon(spec, plan.local, ended))
    suspects = attempts.find("suspects", lambda: system.suspects(spec, ended.rounds))
    return replace(
        result,
        metrics=metrics or {},
        epsilon=epsilon,
        suspects=suspects or {},
        missing=attempts.missing | _unconfirmed(plan, ended.holders),
    )


def _unconfirmed(plan: RoundsPlan, holders: Sequence[str]) -> dict[str, str]:
    """Returns why a master is not done with a run: a child may come for the network."""
    offers = plan.listens and not plan.on_flower
    return UNCONFIRMED if offers and set(plan.neighbours) - set(holders) else {}


def _train(session: PartySession[RoundsPlan]) -> RoundsOutcome:
    plan = session.plan
    if plan.on_flower:
        return flower_run.train(session)
    return _lead(session) if plan.listens else _follow(session)


def _lead(session: PartySession[RoundsPlan]) -> RoundsOutcome:
    lead = leader(session)
    children = session.plan.neighbours
    lines = Inbox(EncoderRequest, expected=children)
    with (
        notices.naming_our_end(connection.identity(session.plan)),
        connection.listen(session.plan, session.telemetry, lines.note_second) as listener,
        admission(listener, children, lines, session.recorded, session.greet),
    ):
        return lead(lines)


def _follow(session: PartySession[RoundsPlan]) -> RoundsOutcome:
    follow = follower(session)
    with session.connected() as lines:
        (master,) = lines.values()
        return follow(master)


def _rows(local: LocalData) -> dict[str, int]:
    train, test = (0 if part is None else len(part) for part in (local.train, local.test))
    return {"train": train, "test": test}


def _last_weights(history: Sequence[Round]) -> dict[str, float]:
    taken: dict[str, Any] = history[-1].taken if history else {}
    return {child: it.weight for child, it in taken.items() if it.weight is not None}
