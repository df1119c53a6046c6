"""A run that has begun: its folder is ours, its ledger and event log are open."""

import threading
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec.structs import replace

from isthmus import __version__
from isthmus.core.telemetry import Event, Sink, Telemetry, silent
from isthmus.crypto import certificates
from isthmus.evaluation.description import Learned
from isthmus.jobs import connection, earlier
from isthmus.jobs.earlier import Command
from isthmus.jobs.handshake import shake_hands
from isthmus.jobs.plan import PartyPlan, Plan
from isthmus.jobs.result import Egress
from isthmus.ledger.channel import RecordedChannel, Traffic
from isthmus.ledger.record import Ledger, is_sealed
from isthmus.store import atomic
from isthmus.store.events import EventLog
from isthmus.store.runs import Run
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message, listed, protections

Lines = dict[str, RecordedChannel]
"""Our line to each party that we talk to, by name."""

PlanT = TypeVar("PlanT", bound=Plan)
PartyPlanT = TypeVar("PartyPlanT", bound=PartyPlan)


@dataclass(frozen=True)
class Session(Generic[PlanT]):
    """A run that has begun: its folder is ours, its event log is open."""

    plan: PlanT
    run: Run
    telemetry: Telemetry
    started: datetime

    def facts(self) -> dict[str, Any]:
        """Returns the fields of `AnyResult`, and when the run started."""
        return {
            "job": self.plan.job.name,
            "digest": self.plan.digest,
            "version": __version__,
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": {name: round(spent, 3) for name, spent in self.telemetry.seconds.items()},
        }


@dataclass(frozen=True)
class PartySession(Session[PartyPlanT]):
    """A run of one party among others: its ledger is open too."""

    ledger: Ledger
    watch: Sink
    """Sees every event as it happens."""

    private_key: bytes = field(default=b"", repr=False)
    """The key that seals the ledger; empty in a process that does a part of the run only."""

    met: threading.Event = field(default_factory=threading.Event)
    """Set once a peer has turned out to have the same job."""

    _lines: list[RecordedChannel] = field(default_factory=list[RecordedChannel])
    _meeting: threading.Lock = field(default_factory=threading.Lock)

    def seal(self) -> None:
        """Seal the ledger, if it is open: from here on nothing leaves."""
        if not self.ledger.closed:
            self.ledger.seal(lambda data: certificates.sign(self.private_key, data))

    @contextmanager
    def connected(self) -> Generator[Lines]:
        """Agree on the job with every peer; the ledger sees each message from the first one on."""
        with connection.connect(self.plan, self.telemetry) as channels:
            lines = {peer: self.recorded(channel) for peer, channel in channels.items()}
            for line in lines.values():
                self.greet(line)
            yield lines

    def recorded(self, channel: Channel) -> RecordedChannel:
        """A line to a peer that our policy checks and our ledger sees."""
        line = RecordedChannel(channel, self.ledger, self.plan.party.policy)
        self._lines.append(line)
        return line

    def greet(self, line: Channel) -> None:
        """Find out whether the peer at a line has the same job; nothing else is sent before.

        From the first peer on that has, the run is the latest one.
        """
        shake_hands(line, self.plan.job, self.plan.party.party)
        with self._meeting:  # children come in threads of their own
            if not self.met.is_set():
                earlier.become_latest(self.plan, self.run)
                self.met.set()

    def facts(self) -> dict[str, Any]:
        """Returns the fields of `PartyResult`, but for `rows`."""
        plan = self.plan
        return super().facts() | {
            "party": plan.party.party,
            "role": plan.role,
            "peers": list(plan.job.peers(plan.party.party)),
            "egress": Egress(messages=self.ledger.messages, bytes=self.ledger.total_bytes),
            "learned": self._learned(),
            "engine": plan.engine,
        }

    def leave_learned(self) -> None:
        """Add who learned what over our lines to what other processes of this run left of it."""
        self.run.write_json(self.run.learned.name, self._learned())

    def _learned(self) -> list[Learned]:
        """Who learned what: every message type by peer and direction, over all lines to it."""
        if not self.run.learned.exists():
            return self._learned_here()
        left = self.run.read_json(self.run.learned.name, list[Learned])
        return joined([*left, *self._learned_here()])

    def _learned_here(self) -> list[Learned]:
        us = self.plan.party.party
        found: dict[tuple[str, type[Message]], Traffic] = defaultdict(Traffic)
        for line in self._lines:
            directions = (
                (f"{us} → {line.peer}", line.sent),
                (f"{line.peer} → {us}", line.received),
            )
            for direction, seen in directions:
                for kind, traffic in seen.items():
                    found[direction, kind].join(traffic)
        return [
            Learned(
                message=kind.__name__,
                direction=direction,
                learns=kind.reveals,
                protection=listed(protections(kind).values()),
                count=traffic.count,
                bytes=traffic.bytes,
                tells=kind.discloses,
            )
            for (direction, kind), traffic in found.items()
        ]


@contextmanager
def begin(
    plan: PartyPlanT, into: Path | None, watch: Sink, command: Command = "run"
) -> Generator[PartySession[PartyPlanT]]:
    """Open a run, a new one or the one of this job that was cut off, and seal it at the end.

    A run that fails is not sealed: it goes on when it is started again.

    Args:
        plan: What we are about to run.
        into: Folder for the run; by default one in the party's runs folder.
        watch: Sees every event as it happens.
        command: What was asked for.

    Yields:
        The run, until the block ends.

    Raises:
        SpecError: Keys are missing, or another process runs here.
    """
    us = connection.identity(plan)
    run = earlier.folder(plan, into, command)

    with run.locked(), resumed(plan, run, watch, us.private_key) as session:
        earlier.note(plan, run, command)
        atomic.write(run.certificate, us.certificate)
        yield session
        session.seal()
        session.telemetry.progress("done", 1, 1)


@contextmanager
def resumed(
    plan: PartyPlanT, run: Run, watch: Sink = silent, private_key: bytes = b""
) -> Generator[PartySession[PartyPlanT]]:
    """Do a part of a run whose folder this process, or the one that started it, holds already.

    Args:
        plan: What we are about to run.
        run: The folder.
        watch: Sees every event as it happens.
        private_key: The key that seals the ledger, if this process does.

    Yields:
        The run, until the block ends.
    """
    with _telemetry(run, watch) as telemetry, Ledger(run.ledger, plan.notice) as ledger:
        yield PartySession(plan, run, telemetry, datetime.now(UTC), ledger, watch, private_key)


@contextmanager
def begin_alone(plan: PlanT, into: Path | None, watch: Sink) -> Generator[Session[PlanT]]:
    """Open a run of one organisation, which has no ledger: nothing leaves.

    A run that was stopped, also while it was measured, goes on.

    Args:
        plan: What we are about to run.
        into: Folder for the run; by default one in the folder `runs` beside the job file.
        watch: Sees every event as it happens.

    Yields:
        The run, until the block ends.

    Raises:
        SpecError: Another process runs here.
    """
    run = earlier.folder(plan, into)
    earlier.become_latest(plan, run)
    with again(plan, run, watch) as session:
        earlier.note(plan, run, "run")
        yield session


def seal_left_open(plan: PartyPlan, run: Run) -> None:
    """Seal the ledger of a run that was stopped between its end and its seal.

    Args:
        plan: What was run.
        run: The folder, which this process holds; other parties need nothing more of it.

    Raises:
        SpecError: Keys are missing.
        LedgerError: The ledger is broken.
    """
    if is_sealed(run.ledger):
        return
    us = connection.identity(plan)
    with Ledger(run.ledger, plan.notice) as ledger:
        atomic.write(run.certificate, us.certificate)
        ledger.seal(lambda data: certificates.sign(us.private_key, data))


@contextmanager
def again(plan: PlanT, run: Run, watch: Sink) -> Generator[Session[PlanT]]:
    """Open a finished run to describe it anew: its ledger stays sealed, nothing leaves.

    Args:
        plan: What was run.
        run: The folder.
        watch: Sees every event as it happens.

    Yields:
        The run, until the block ends.

    Raises:
        SpecError: Another process runs here.
    """
    with run.locked(), _telemetry(run, watch) as telemetry:
        yield Session(plan, run, telemetry, datetime.now(UTC))
        telemetry.progress("done", 1, 1)


@contextmanager
def _telemetry(run: Run, watch: Sink) -> Generator[Telemetry]:
    with EventLog(run.events) as log:

        def tell(event: Event) -> None:
            log(event)
            watch(event)

        yield Telemetry(tell)


def joined(rows: Sequence[Learned]) -> list[Learned]:
    """Returns who learned what, with one row for each message type and direction."""
    found = dict[tuple[str, str], Learned]()
    for row in rows:
        known = found.get((row.message, row.direction), replace(row, count=0, bytes=0))
        sums = {"count": known.count + row.count, "bytes": known.bytes + row.bytes}
        found[row.message, row.direction] = replace(row, **sums)
    return list(found.values())
