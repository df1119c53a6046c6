"""One party's side of a job, from its two files to a run folder with everything in it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from isthmus import __version__
from isthmus.alignment.cryptographic import receiver, sender
from isthmus.core.telemetry import Event, Sink, Telemetry, silent
from isthmus.crypto import certificates
from isthmus.data.index import Index, split
from isthmus.data.table import Table
from isthmus.evaluation.report import Learned
from isthmus.jobs import connection, report
from isthmus.jobs.handshake import part, shake_hands
from isthmus.jobs.outcome import Outcome, Setting
from isthmus.jobs.plan import Plan, make_plan
from isthmus.jobs.result import Alignment, Egress, Result
from isthmus.jobs.systems import system_of
from isthmus.ledger.channel import RecordedChannel
from isthmus.ledger.policy import check_shared
from isthmus.ledger.record import Ledger
from isthmus.store import atomic
from isthmus.store.events import EventLog
from isthmus.store.runs import Run
from isthmus.transport.message import listed, protections


@dataclass(frozen=True)
class _Played:
    """What is known when the line is closed."""

    started: datetime
    outcome: Outcome
    train: Table
    test: Table
    peer: RecordedChannel


def run(job_file: Path, party_file: Path, into: Path | None = None, watch: Sink = silent) -> Run:
    """Play one party's role of a job.

    Args:
        job_file: The job all parties agreed on.
        party_file: This party's own file.
        into: Folder for this run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.

    Returns:
        The run folder: result, model, ledger and report are in it.

    Raises:
        IsthmusError: Anything that a person can act on.
    """
    plan = make_plan(job_file, party_file)  # nothing is sent before all of this side is checked
    connection.check(plan)
    us = connection.identity(plan)
    run = _folder(plan, into)

    with run.locked(), EventLog(run.events) as log, Ledger(run.ledger) as ledger:
        atomic.write(run.certificate, us.certificate)

        def tell(event: Event) -> None:
            log(event)
            watch(event)

        telemetry = Telemetry(tell)
        played = _play(plan, run, ledger, telemetry)
        # In this order: a run without a result goes on when it is started again, which a sealed
        # ledger would not let it.
        _store(plan, run, played, telemetry)
        ledger.seal(lambda data: certificates.sign(us.private_key, data))
        report.write(run)
        telemetry.progress("done", 1, 1)
    return run


def _folder(plan: Plan, into: Path | None) -> Run:
    if into is None:
        runs = plan.folder / plan.party.runs
        cut_off = Run.unfinished(runs, plan.job.name, plan.digest)
        return cut_off or Run.create(runs, plan.job.name, plan.digest)
    return Run.at(into)


def _play(plan: Plan, run: Run, ledger: Ledger, telemetry: Telemetry) -> _Played:
    with connection.connect(plan, telemetry) as line, telemetry.timed("total"):
        started = datetime.now(UTC)
        # 1. Agree on the job with the peer; from here on the ledger sees every message.
        peer = RecordedChannel(line, ledger, plan.party.policy)
        shake_hands(peer, plan.job, plan.party.party)

        # 2. Find the rows that both parties hold.
        with telemetry.timed("alignment"):
            train, test = _align(plan, peer, run, telemetry)

        # 3. Train and score.
        system = system_of(plan.job)
        with telemetry.timed("training"):
            setting = Setting(plan.role, peer, train, test, telemetry, run.checkpoint, plan.digest)
            outcome = system.play(getattr(plan.job, system.table), setting)
        part(peer)
    return _Played(started, outcome, train, test, peer)


def _align(
    plan: Plan, peer: RecordedChannel, run: Run, telemetry: Telemetry
) -> tuple[Table, Table]:
    """Training and test rows in the order common to both parties."""
    data = plan.job.data
    index = _shared(plan, peer, data.train, plan.train, telemetry)
    index.save(run.index)
    check_shared(plan.party.policy, len(index))
    aligned = plan.train.take(index.rows)
    share = data.test_share if data.test is None else 0.0  # the order of batches comes from it too
    train, held_out = split(aligned.identifiers, share, plan.job.seed)
    if data.test is None or plan.test is None:
        return aligned.take(train), aligned.take(held_out)
    test = _shared(plan, peer, data.test, plan.test, telemetry)
    return aligned.take(train), plan.test.take(test.rows)


def _shared(
    plan: Plan, peer: RecordedChannel, name: str, table: Table, telemetry: Telemetry
) -> Index:
    role = receiver if plan.role == "active" else sender
    context = f"{plan.digest}/{name}".encode()
    limit = plan.job.parties[peer.peer].rows
    return role(peer, table.identifiers, plan.job.alignment, context, telemetry, limit)


def _store(plan: Plan, run: Run, played: _Played, telemetry: Telemetry) -> None:
    outcome, train, test = played.outcome, played.train, played.test
    shared = len(train) if plan.test is not None else len(train) + len(test)
    run.write_json(run.model.name, outcome.model)
    if outcome.scores is not None:
        outcome.scores.save(run.predictions)
    result = Result(
        job=plan.job.name,
        digest=plan.digest,
        system=system_of(plan.job).table,
        version=__version__,
        party=plan.party.party,
        role=plan.role,
        peers=list(plan.job.peers(plan.party.party)),
        started=played.started.isoformat(timespec="seconds"),
        alignment=Alignment(plan.job.alignment.method, shared),
        rows={"own": len(plan.train), "train": len(train), "test": len(test)},
        columns=len(train.names),
        metrics=outcome.metrics,
        seconds={name: round(spent, 3) for name, spent in telemetry.seconds.items()},
        egress=Egress(
            messages=sum(traffic.count for traffic in played.peer.sent.values()),
            bytes=sum(traffic.bytes for traffic in played.peer.sent.values()),
        ),
        rounds=outcome.rounds,
        converged=outcome.converged,
        curve=outcome.curve,
        learned=_learned(plan, played.peer),
    )
    run.write_json(run.result.name, result)


def _learned(plan: Plan, peer: RecordedChannel) -> list[Learned]:
    """Who learned what: every message type, in both directions."""
    us, them = plan.party.party, peer.peer
    return [
        Learned(
            message=kind.__name__,
            direction=direction,
            learns=kind.reveals,
            protection=listed(protections(kind).values()),
            count=traffic.count,
            bytes=traffic.bytes,
        )
        for direction, seen in ((f"{us} → {them}", peer.sent), (f"{them} → {us}", peer.received))
        for kind, traffic in seen.items()
    ]
