"""Our rounds, in which next to nothing is computed: master and children exchange parameters."""

import multiprocessing
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from benchmarks import lines
from benchmarks.lines import Identities
from benchmarks.round_cost import Marks, Payload, RoundCost, cpu_seconds
from isthmus.core.seeds import generator
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import certificates
from isthmus.horizontal.fusion import rules
from isthmus.horizontal.fusion.contributions import flaw
from isthmus.horizontal.fusion.rules import Gathered
from isthmus.horizontal.fusion.spec import Count, Limits
from isthmus.horizontal.messages import EncoderRequest
from isthmus.horizontal.parameters import Layout, Parameters
from isthmus.horizontal.privacy.secure_sum.identity import Identity
from isthmus.horizontal.privacy.spec import Privacy
from isthmus.horizontal.rounds.in_process import federate
from isthmus.horizontal.rounds.inbox import Inbox
from isthmus.horizontal.rounds.local_training import LocalTrainer, Train
from isthmus.horizontal.rounds.memory import ChildMemory, MasterMemory
from isthmus.horizontal.rounds.protocol import child, master
from isthmus.horizontal.rounds.training import Contribution, Fused, SecureRule, SecureSum, Training
from isthmus.horizontal.spec import Rounds
from isthmus.store.checkpoint import Arrays
from isthmus.transport import grpc
from isthmus.transport.grpc import GrpcChannel

MASTER = "master"

_ENCODER, _JOB = "none", "benchmark"
_WAIT = 120.0
_SEED = 7
_ANY_PORT = "127.0.0.1:0"
_LIMITS = Limits(largest_norm=1e9)


@dataclass(frozen=True)
class Work:
    """What the children of a federation do, and how."""

    payload: Payload
    children: int
    privacy: Privacy = field(default_factory=Privacy)
    folder: Path | None = None
    """Where everybody keeps each round before going on; none: in memory only."""

    @property
    def names(self) -> list[str]:
        """Of the children."""
        return [f"child-{number:03d}" for number in range(self.children)]

    def trainer(self, name: str) -> LocalTrainer:
        """What a child trains: it multiplies all parameters by a number of its own."""
        layout = Layout.of(parameters(self.payload))
        return LocalTrainer(1, layout, _multiply(self.names.index(name)), privacy=self.privacy)

    def memory(self, name: str) -> Path | None:
        """The file in which somebody keeps a round."""
        return self.folder and self.folder / name


def parameters(payload: Payload) -> Parameters:
    """Parameters before the first round: normal random numbers, which nothing makes smaller."""
    random = generator(_SEED, "benchmark")
    each = payload.numbers // payload.arrays
    return {
        str(number): random.standard_normal(each, np.float32) for number in range(payload.arrays)
    }


def over_grpc(work: Work) -> RoundCost:
    """Let a master and its children, each a process that lives through all rounds, play them."""
    parties = lines.identities((MASTER, *work.names))
    trusted = {name: parties[name].certificate for name in work.names}
    with grpc.listen(parties[MASTER], _ANY_PORT, trusted) as listener, ExitStack() as running:
        processes = [_started(work, name, parties, listener.address) for name in work.names]
        for process in processes:
            running.callback(process.kill)
        channels = [listener.accept(name, _WAIT, lines.nobody_watches) for name in work.names]
        cost = _master(work, channels)
        for process in processes:
            process.join(_WAIT)
    return cost


def in_process(work: Work) -> RoundCost:
    """Play the same rounds in this one process, without messages."""
    clock = _Clock(work.payload.rounds)
    trainers = {name: work.trainer(name) for name in work.names}
    federate(_training(work, clock), trainers, work.payload.rounds + 1, Telemetry())
    return RoundCost.of(clock.marks())


class _Clock:
    """Marks the ends of rounds; only at the first and the last it looks at more than the time."""

    def __init__(self, rounds: int, channels: Sequence[GrpcChannel] = ()) -> None:
        self._last = rounds
        self._channels = channels
        self._ends = list[float]()
        self._spent = list[tuple[float, int]]()

    def mark(self) -> None:
        """A round ends here."""
        if len(self._ends) in {0, self._last}:
            received = sum(channel.bytes_received for channel in self._channels)
            self._spent.append((cpu_seconds(os.getpid()), received))
        self._ends.append(time.perf_counter())

    def marks(self) -> Marks:
        """All of them, when the last round is over."""
        (cpu, received), (cpu_after, received_after) = self._spent
        return Marks(self._ends, cpu_after - cpu, received_after - received)


@dataclass(frozen=True)
class _Mean:
    """The fusion by number of samples, as the product has it, and a mark after each round."""

    names: Sequence[str]
    clock: _Clock

    def examine(self, contribution: Contribution) -> str:
        return flaw(contribution.update, contribution.samples, _LIMITS)

    def fuse(self, before: Parameters, taken: Sequence[Contribution], _state: Arrays) -> Fused:
        layout, rule = Layout.of(before), Count()
        gathered = Gathered(
            updates=np.stack([layout.to_vector(it.update) for it in taken]),
            children=np.array([self.names.index(it.child) for it in taken]),
            enrolled=len(self.names),
            counts=np.array([it.samples for it in taken]),
        )
        fused = rules.fuse(rule, gathered, rules.start(rule, layout.size))
        after = layout.to_parameters(layout.to_vector(before) + fused.update)
        self.clock.mark()
        return Fused(after)

    def weigh(self, samples: Mapping[str, int], _state: Arrays) -> dict[str, float]:
        return dict.fromkeys(samples, 1 / len(samples))

    def fuse_sum(self, before: Parameters, summed: SecureSum, _state: Arrays) -> Fused:
        after = {name: array + summed.update[name] for name, array in before.items()}
        self.clock.mark()
        return Fused(after)


def _training(work: Work, clock: _Clock) -> Training:
    mean, secure = _Mean(work.names, clock), work.privacy.secure_aggregation
    return Training(
        _ENCODER,
        parameters(work.payload),
        mean.fuse,
        mean.examine,
        compression=work.privacy.compression,
        secure_rule=SecureRule(secure, mean.weigh, mean.fuse_sum) if secure else None,
    )


def _multiply(number: int) -> Train:
    factor = np.float32(1 + (number + 1) / 1_000)

    def train(before: Parameters, _round: int) -> tuple[Parameters, dict[str, float]]:
        return {name: array * factor for name, array in before.items()}, {}

    return train


def _master(work: Work, channels: Sequence[GrpcChannel]) -> RoundCost:
    clock = _Clock(work.payload.rounds, channels)
    spec = Rounds(count=work.payload.rounds + 1, quorum=work.children, deadline=_WAIT)
    memory = MasterMemory(work.memory(MASTER), _JOB)
    trunk = Inbox(EncoderRequest, channels)
    try:
        master(trunk, _training(work, clock), spec, Telemetry(), memory)
    finally:
        trunk.close()
        for channel in channels:
            channel.close()
    return RoundCost.of(clock.marks())


def _started(work: Work, name: str, parties: Identities, address: str) -> BaseProcess:
    # All children are copies of one process that has loaded what they need; a process in which
    # gRPC already runs must not be copied.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    known = {party: parties[party] for party in (MASTER, name)}
    fingerprints = {it: certificates.fingerprint(parties[it].certificate) for it in work.names}
    args = (work, name, known, fingerprints, address)
    process = context.Process(target=_child, args=args, daemon=True)
    process.start()
    return process


def _child(
    work: Work, name: str, parties: Identities, fingerprints: dict[str, str], address: str
) -> None:
    memory, us = ChildMemory(work.memory(name), _JOB), parties[name]
    identity = Identity.of(name, _JOB, us.certificate, us.private_key, fingerprints)
    with lines.line(name, parties, address) as line:
        child(line, _ENCODER, lambda _: work.trainer(name), Telemetry(), memory, identity)
