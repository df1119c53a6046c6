"""Our side of a job in rounds: as the master or as a child, train, measure, store.

Training is over lines of our own, or on a Flower federation, where other processes play our role
(`flower.py`): the same role, over other lines.
"""

from collections.abc import Callable, Sequence
from typing import Any

from isthmus.horizontal.fusion import rules
from isthmus.horizontal.messages import EncoderRequest
from isthmus.horizontal.rounds import protocol
from isthmus.horizontal.rounds.inbox import Inbox
from isthmus.horizontal.rounds.memory import ChildMemory, MasterMemory
from isthmus.horizontal.rounds.training import Round
from isthmus.horizontal.system import LocalData, RoundsOutcome
from isthmus.jobs import connection, federation
from isthmus.jobs.begun import Begun
from isthmus.jobs.plan import SamplesPlan
from isthmus.jobs.reception import reception
from isthmus.jobs.result import RoundsResult
from isthmus.jobs.systems import horizontal_of
from isthmus.nn.spec import type_of
from isthmus.transport.channel import Channel


def play(begun: Begun[SamplesPlan]) -> None:
    """Train, measure, and store what came of it."""
    from isthmus.nn import threads  # noqa: PLC0415 - it loads PyTorch

    plan = begun.plan
    threads.use(plan.party.workers)
    site = site_of(plan)
    system = horizontal_of(plan.job)
    spec = system.spec(plan.job)
    with begun.telemetry.timed("total"):
        with begun.telemetry.timed("training"):
            ended = RoundsOutcome.load(begun.run.trained, plan.digest) or _train(begun)
        with begun.telemetry.timed("measuring"):
            metrics = system.finish(spec, site, ended, begun.run.network, begun.telemetry)
    begun.run.write_json(begun.run.rounds.name, ended.rounds)
    result = RoundsResult(
        **begun.facts(),
        rows=_rows(site),
        system=system.table,
        network=type_of(spec.network),
        rule=rules.name(spec.fusion),
        privacy=spec.privacy,
        model=ended.model,
        metrics=metrics,
        rounds=ended.count,
        ending=f"ended after {ended.count} rounds",
        weights=_last_weights(ended.rounds),
        suspects=system.suspects(spec, ended.rounds),
        holders=list(ended.holders),
    )
    begun.run.write_json(begun.run.result.name, result)


def site_of(plan: SamplesPlan) -> LocalData:
    """What the party of a plan brings."""
    first = plan.first
    return LocalData(
        party=plan.party.party,
        children=tuple(sorted(plan.job.peers(first))),
        train=plan.train,
        test=plan.test,
        seed=plan.job.seed,
        simulated_attack=plan.party.simulated_attack,
    )


def leader(begun: Begun[SamplesPlan]) -> Callable[[Inbox], RoundsOutcome]:
    """Prepare to train as the master, before anybody is contacted.

    Args:
        begun: The run.

    Returns:
        Trains over lines to the children, and keeps what comes of it in the run folder.

    Raises:
        SpecError: Our samples, or what an earlier run left, do not fit the job.
    """
    plan = begun.plan
    system = horizontal_of(plan.job)
    spec = system.spec(plan.job)
    memory = MasterMemory(begun.run.checkpoint, plan.digest)
    memory.load()
    training = system.lead(spec, site_of(plan))

    def lead(children: Inbox) -> RoundsOutcome:
        found = protocol.master(children, training, spec.rounds, begun.telemetry, memory)
        count = len(found.rounds)
        ended = RoundsOutcome(found.parameters, found.model, count, found.rounds, found.holders)
        ended.save(begun.run.trained, plan.digest)
        return ended

    return lead


def follower(begun: Begun[SamplesPlan]) -> Callable[[Channel], RoundsOutcome]:
    """Prepare to train as a child, before anybody is contacted.

    Args:
        begun: The run.

    Returns:
        Trains over the line to the master, and keeps what comes of it in the run folder.

    Raises:
        SpecError: Our samples, or what an earlier run left, do not fit the job.
    """
    plan = begun.plan
    system = horizontal_of(plan.job)
    spec = system.spec(plan.job)
    memory = ChildMemory(begun.run.checkpoint, plan.digest)
    memory.load()
    wanted = None if plan.party.helps_only else type_of(spec.network)
    prepare = system.follow(spec, site_of(plan))

    def follow(master: Channel) -> RoundsOutcome:
        found = protocol.child(master, wanted, prepare, begun.telemetry, memory)
        ended = RoundsOutcome(found.parameters, found.model, found.rounds, metrics=found.metrics)
        ended.save(begun.run.trained, plan.digest)
        return ended

    return follow


def _train(begun: Begun[SamplesPlan]) -> RoundsOutcome:
    plan = begun.plan
    if plan.party.engine == "flower":
        return federation.train(begun)
    return _lead(begun) if plan.listens else _follow(begun)


def _lead(begun: Begun[SamplesPlan]) -> RoundsOutcome:
    lead = leader(begun)
    children = begun.plan.neighbours
    lines = Inbox(EncoderRequest, expected=children)
    with (
        connection.listen(begun.plan) as listener,
        reception(listener, children, lines, begun.recorded, begun.greet),
    ):
        return lead(lines)


def _follow(begun: Begun[SamplesPlan]) -> RoundsOutcome:
    follow = follower(begun)
    with begun.connected() as lines:
        (master,) = lines.values()
        return follow(master)


def _rows(site: LocalData) -> dict[str, int]:
    train, test = (0 if part is None else len(part) for part in (site.train, site.test))
    return {"train": train, "test": test}


def _last_weights(history: Sequence[Round]) -> dict[str, float]:
    taken: dict[str, Any] = history[-1].taken if history else {}
    return {child: it.weight for child, it in taken.items() if it.weight is not None}
