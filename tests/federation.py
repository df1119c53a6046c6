"""Plays a master and its children, each in a thread of its own, in one process."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isthmus.core.telemetry import Event, Sink, Telemetry, silent
from isthmus.horizontal.messages import EncoderRequest
from isthmus.horizontal.parameters import Layout, Parameters
from isthmus.horizontal.privacy.spec import Privacy, SecureAggregation
from isthmus.horizontal.rounds.inbox import Arrival, Inbox
from isthmus.horizontal.rounds.local_training import LocalTrainer, MakeTrainer, Train
from isthmus.horizontal.rounds.memory import ChildMemory, MasterMemory
from isthmus.horizontal.rounds.protocol import Received, Trained, child, master
from isthmus.horizontal.rounds.training import (
    Contribution,
    Fuse,
    Fused,
    SecureRule,
    SecureSum,
    Training,
)
from isthmus.horizontal.spec import Rounds
from isthmus.store.checkpoint import Arrays
from isthmus.transport.channel import Channel
from isthmus.transport.loopback import LoopbackEnd, loopback
from tests.identities import identity

ENCODER = "linear"
INITIAL: Parameters = {"bias": np.zeros((), np.float32), "w": np.zeros((2, 2), np.float32)}

Role = Callable[[LoopbackEnd], Any]
"""Takes the line to the master; what it returns or raises is its result."""


def mean(before: Parameters, taken: Sequence[Contribution], _state: Arrays) -> Fused:
    """The rule of most tests: a child counts for as much as it has samples."""
    samples = sum(it.samples for it in taken)
    weights = {it.child: it.samples / samples for it in taken}
    after = {
        name: array + sum(np.float32(weights[it.child]) * it.update[name] for it in taken)
        for name, array in before.items()
    }
    return Fused(after, weights)


def shift(by: float) -> Train:
    """Training that adds to every parameter."""

    def train(parameters: Parameters, _round: int) -> tuple[Parameters, dict[str, float]]:
        return {name: array + np.float32(by) for name, array in parameters.items()}, {"by": by}

    return train


def trainer_of(
    train: Train,
    samples: int = 1,
    state: Arrays | None = None,
    privacy: Privacy | None = None,
) -> MakeTrainer:
    """What a child has that trains so, over the parameters of most tests."""
    kept = {} if state is None else state
    layout = Layout.of(INITIAL)
    return lambda _: LocalTrainer(samples, layout, train, kept, privacy or Privacy())


def secure_training(spec: SecureAggregation, fuse: Fuse = mean) -> Training:
    """What a rule computes of the mean of a round, for a master that sees sums only."""

    def weigh(samples: Mapping[str, int], _state: Arrays) -> dict[str, float]:
        return {child: it / sum(samples.values()) for child, it in samples.items()}

    def fuse_mean(before: Parameters, summed: SecureSum, state: Arrays) -> Fused:
        fused = fuse(before, [Contribution("all", 1, summed.update, {})], state)
        return fused._replace(weights=summed.weights)

    return Training(ENCODER, INITIAL, fuse, secure_rule=SecureRule(spec, weigh, fuse_mean))


PERFORMING: ContextVar[str] = ContextVar("performing")
"""Name of the child whose role a thread plays."""


def learner(
    make_trainer: MakeTrainer,
    wanted: str | None = ENCODER,
    memory: ChildMemory | None = None,
    telemetry: Telemetry | None = None,
) -> Callable[[Channel], Received]:
    """The role of an honest child."""

    def role(line: Channel) -> Received:
        return child(
            line,
            wanted,
            make_trainer,
            telemetry or Telemetry(),
            memory or ChildMemory(),
            identity(PERFORMING.get()),
        )

    return role


class Hourglass(Inbox):
    """An inbox whose time is over once, after so many arrivals and whatever the clock says."""

    def __init__(self, lines: Sequence[Channel], arrivals: int) -> None:
        super().__init__(EncoderRequest, lines)
        self._arrivals_left = arrivals

    def next(self, until: float) -> Arrival | None:
        self._arrivals_left -= 1
        return None if self._arrivals_left == -1 else super().next(until)


@dataclass
class Federation:
    """A master and children; lines and threads begin with `add`, the master's with `play`."""

    inbox: Inbox = field(default_factory=lambda: Inbox(EncoderRequest))
    ends: list[tuple[str, LoopbackEnd, LoopbackEnd]] = field(default_factory=list[Any])
    """Name of the child, the master's end and the child's."""

    events: list[Event] = field(default_factory=list[Event])
    returned: dict[str, Received] = field(default_factory=dict[str, Received])
    raised: dict[str, Exception] = field(default_factory=dict[str, Exception])
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1000))

    @classmethod
    def of(cls, roles: Mapping[str, Role], arrivals: int | None = None) -> "Federation":
        """Children that the master expects; its time is over once, after so many arrivals."""
        ends = [(name, *loopback("master", name)) for name in roles]
        lines = [ours for _, ours, _ in ends]
        federation = cls(
            Inbox(EncoderRequest, lines) if arrivals is None else Hourglass(lines, arrivals)
        )
        for name, ours, theirs in ends:
            federation._begin(name, roles[name], ours, theirs)
        return federation

    def add(self, name: str, role: Role) -> None:
        """Let a child come, also one that was there before; any thread may call it."""
        ours, theirs = loopback("master", name)
        self._begin(name, role, ours, theirs)
        self.inbox.admit(ours)

    def play(
        self,
        spec: Rounds,
        fuse: Fuse = mean,
        memory: MasterMemory | None = None,
        *,
        training: Training | None = None,
        watch: Sink = silent,
        wait: float | None = None,
    ) -> Trained:
        """Be the master; returns when the children have ended as well."""
        wanted = training or Training(ENCODER, INITIAL, fuse)

        def sink(event: Event) -> None:
            self.events.append(event)
            watch(event)

        try:
            memory = memory or MasterMemory()
            return master(self.inbox, wanted, spec, Telemetry(sink), memory, wait=wait)
        finally:
            self.inbox.close()
            for _, ours, _ in self.ends:
                ours.close()
            self.wait()

    def wait(self) -> None:
        """Until every child has ended."""
        self._threads.shutdown()

    def sent(self) -> dict[str, list[bytes]]:
        """Encoded messages by who sent them."""
        found: dict[str, list[bytes]] = {"master": []}
        for name, ours, theirs in self.ends:
            found["master"] += ours.sent
            found.setdefault(name, []).extend(theirs.sent)
        return found

    def _begin(self, name: str, role: Role, ours: LoopbackEnd, theirs: LoopbackEnd) -> None:
        self.ends.append((name, ours, theirs))
        self._threads.submit(self._perform, name, role, theirs)

    def _perform(self, name: str, role: Role, line: LoopbackEnd) -> None:
        PERFORMING.set(name)
        try:
            with line:
                self.returned[name] = role(line)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.raised[name] = error
