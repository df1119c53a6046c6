"""One party's side of a job, from its two files to a run folder with everything in it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from isthmus import __version__
from isthmus.core.telemetry import Event, Sink, Telemetry, silent
from isthmus.crypto import certificates
from isthmus.data.index import Index, split
from isthmus.data.table import Table
from isthmus.evaluation.report import Learned
from isthmus.jobs import connection, report
from isthmus.jobs.alignment import Aligned, align
from isthmus.jobs.handshake import part, shake_hands
from isthmus.jobs.outcome import Outcome, Setting
from isthmus.jobs.plan import Plan, make_plan
from isthmus.jobs.result import Alignment, AlignmentResult, Egress, Result
from isthmus.jobs.systems import system_of
from isthmus.ledger.channel import RecordedChannel
from isthmus.ledger.policy import check_shared
from isthmus.ledger.record import Ledger
from isthmus.store import atomic
from isthmus.store.events import EventLog
from isthmus.store.runs import Run
from isthmus.transport.message import listed, protections

Lines = dict[str, RecordedChannel]


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
    system_of(plan.job)
    with _begun(plan, into, watch) as begun:
        with begun.telemetry.timed("total"), begun.connected() as lines:
            aligned = _align(begun, lines)
            train, test = _tables(plan, aligned)
            outcome = _train(begun, lines, train, test)
            _part(lines)
        _store(begun, lines, aligned, outcome, train, test)
        begun.seal()
        report.write(begun.run)
    return begun.run


def align_only(
    job_file: Path, party_file: Path, into: Path | None = None, watch: Sink = silent
) -> Run:
    """Find the rows that all parties of a job hold, and keep them for later runs of it.

    Args:
        job_file: The job all parties agreed on.
        party_file: This party's own file.
        into: Folder for this run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.

    Returns:
        The run folder: result, index and ledger are in it.

    Raises:
        IsthmusError: Anything that a person can act on.
    """
    plan = make_plan(job_file, party_file)
    with _begun(plan, into, watch) as begun:
        with begun.telemetry.timed("total"), begun.connected() as lines:
            aligned = _align(begun, lines)
            _part(lines)
        begun.run.write_json(begun.run.result.name, _alignment_result(begun, lines, aligned))
        begun.seal()
    return begun.run


@dataclass(frozen=True)
class _Begun:
    """A run whose folder is ours."""

    plan: Plan
    run: Run
    ledger: Ledger
    telemetry: Telemetry
    started: datetime
    private_key: bytes

    @contextmanager
    def connected(self) -> Generator[Lines]:
        """Agree on the job with every peer; the ledger sees each message from the first one on."""
        plan = self.plan
        with connection.connect(plan, self.telemetry) as channels:
            lines = {
                peer: RecordedChannel(channel, self.ledger, plan.party.policy)
                for peer, channel in channels.items()
            }
            for line in lines.values():
                shake_hands(line, plan.job, plan.party.party)
            yield lines

    def seal(self) -> None:
        """Sign the ledger, once the result is written.

        A run without a result goes on when it is started again, which a sealed ledger would not
        let it.
        """
        self.ledger.seal(lambda data: certificates.sign(self.private_key, data))
        self.telemetry.progress("done", 1, 1)


@contextmanager
def _begun(plan: Plan, into: Path | None, watch: Sink) -> Generator[_Begun]:
    connection.check(plan)
    us = connection.identity(plan)
    run = _folder(plan, into)

    with run.locked(), EventLog(run.events) as log, Ledger(run.ledger, plan.notice) as ledger:
        atomic.write(run.certificate, us.certificate)

        def tell(event: Event) -> None:
            log(event)
            watch(event)

        yield _Begun(plan, run, ledger, Telemetry(tell), datetime.now(UTC), us.private_key)


def _folder(plan: Plan, into: Path | None) -> Run:
    if into is None:
        cut_off = Run.unfinished(plan.runs, plan.job.name, plan.digest)
        return cut_off or Run.create(plan.runs, plan.job.name, plan.digest)
    return Run.at(into)


def _align(begun: _Begun, lines: Lines) -> Aligned:
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


def _tables(plan: Plan, aligned: Aligned) -> tuple[Table, Table]:
    """Training and test rows in the order common to all parties."""
    data = plan.job.data
    rows = plan.train.take(aligned.indices[data.train].rows)
    share = data.test_share if data.test is None else 0.0  # the order of batches comes from it too
    train, held_out = split(rows.identifiers, share, plan.job.seed)
    if data.test is None or plan.test is None:
        return rows.take(train), rows.take(held_out)
    return rows.take(train), plan.test.take(aligned.indices[data.test].rows)


def _train(begun: _Begun, lines: Lines, train: Table, test: Table) -> Outcome:
    plan, system = begun.plan, system_of(begun.plan.job)
    setting = Setting(
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
        return system.play(getattr(plan.job, system.table), setting)


def _part(lines: Lines) -> None:
    for line in lines.values():
        part(line)


def _store(
    begun: _Begun, lines: Lines, aligned: Aligned, outcome: Outcome, train: Table, test: Table
) -> None:
    plan, run = begun.plan, begun.run
    run.write_json(run.model.name, outcome.model)
    if outcome.scores is not None:
        outcome.scores.save(run.predictions)
    facts = msgspec.structs.asdict(_alignment_result(begun, lines, aligned))
    facts["rows"] |= {"train": len(train), "test": len(test)}
    result = Result(
        **facts,
        system=system_of(plan.job).table,
        columns=len(train.names),
        metrics=outcome.metrics,
        rounds=outcome.rounds,
        converged=outcome.converged,
        ending=outcome.ending,
        curve=outcome.curve,
        leakage=outcome.leakage,
    )
    run.write_json(run.result.name, result)


def _alignment_result(begun: _Begun, lines: Lines, aligned: Aligned) -> AlignmentResult:
    plan, ledger = begun.plan, begun.ledger
    return AlignmentResult(
        job=plan.job.name,
        digest=plan.digest,
        version=__version__,
        party=plan.party.party,
        role=plan.role,
        peers=list(plan.job.peers(plan.party.party)),
        started=begun.started.isoformat(timespec="seconds"),
        alignment=Alignment(
            method=plan.job.alignment.method,
            protects=not plan.simulated,
            notice=plan.notice,
            size=aligned.size,
            reused=not aligned.new,
        ),
        rows={"own": len(plan.train)},
        seconds={name: round(spent, 3) for name, spent in begun.telemetry.seconds.items()},
        egress=Egress(messages=ledger.messages, bytes=ledger.total_bytes),
        learned=[
            learned for peer in lines.values() for learned in _learned(plan.party.party, peer)
        ],
    )


def _learned(us: str, peer: RecordedChannel) -> list[Learned]:
    """Who learned what: every message type, in both directions."""
    them = peer.peer
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
