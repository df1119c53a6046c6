"""Joint regressions to measure: each party a process that notes what its rounds take."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import msgspec

from benchmarks import simulated
from benchmarks.programs import ROOT
from benchmarks.regression_party import Course, Kind, Mark, Protection
from benchmarks.simulated import ACTIVE, PASSIVE, Workload
from isthmus.core.errors import SpecError
from isthmus.evaluation.description import measured
from isthmus.jobs import simulate
from isthmus.jobs.aligned.results import TrainedResult
from isthmus.jobs.party import PARTY_FILE, Compute
from isthmus.store.runs import Run
from isthmus.transport.message import Message
from isthmus.vertical.regression import messages
from isthmus.vertical.regression.encrypted import messages as encrypted
from isthmus.vertical.regression.model import Part
from isthmus.vertical.regression.products import messages as products
from isthmus.vertical.regression.shared import messages as shared
from isthmus.vertical.regression.spec import Regression

PATIENCE = 900.0
"""Seconds that a job may take."""

_LOOPBACK = "127.0.0.1"
_GLANCE = 0.05  # seconds between two looks at whether processes have ended


@dataclass(frozen=True)
class Line:
    """What is between the parties."""

    address: str = _LOOPBACK
    """Where the active party listens."""

    before: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """What begins the command of each party."""


LOOPBACK = Line()


@dataclass(frozen=True)
class Spent:
    """What something took both parties."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Trained:
    """A finished training."""

    spec: Regression
    results: Mapping[str, TrainedResult]
    parts: Mapping[str, Part]
    courses: Mapping[str, Course]

    @property
    def rounds(self) -> int:
        """Rounds that it took."""
        return self.results[ACTIVE].rounds

    @property
    def functions(self) -> str:
        """Products that made up a residual in the last round; a dash at the level `encrypted`."""
        functions = self.results[ACTIVE].functions
        return str(functions[-1]) if functions else "-"

    @property
    def auc(self) -> float:
        """On the test rows."""
        return measured(self.results[ACTIVE].metrics)["auc"]["joint"]

    @cached_property
    def fit(self) -> Spent:
        """From the moment when both are ready to multiply until the last round is done."""
        spans = [_span(course.marks) for course in self.courses.values()]
        wall = max(end.time for _, end in spans) - max(begin.time for begin, _ in spans)
        return Spent(wall, sum(end.cpu - begin.cpu for begin, end in spans))

    @cached_property
    def round(self) -> Spent:
        """A round on average, without the first one, which transforms the columns.

        Returns:
            The average.

        Raises:
            SpecError: There were fewer than two.
        """
        kept = [
            [mark for mark in course.marks if mark.kind == "kept"]
            for course in self.courses.values()
        ]
        rounds = len(kept[0]) - 1
        if rounds < 1:
            raise SpecError("training ended after one round; nothing to measure.")
        wall = (kept[0][-1].time - kept[0][0].time) / rounds
        return Spent(wall, sum(marks[-1].cpu - marks[0].cpu for marks in kept) / rounds)

    @property
    def columns(self) -> str:
        """How many columns each party has, the active one first."""
        return "+".join(str(len(self.parts[party].columns)) for party in (ACTIVE, PASSIVE))

    @property
    def first_round(self) -> Spent:
        """The first round, which transforms the columns."""
        fit, others = self.fit, self.rounds - 1
        return Spent(fit.wall - others * self.round.wall, fit.cpu - others * self.round.cpu)

    @property
    def sent(self) -> int:
        """Bytes that crossed in the training, both ways."""
        return sum(
            seen.bytes
            for party, result in self.results.items()
            for seen in result.learned
            if seen.direction.startswith(party) and seen.message in _TRAINING
        )

    def memory(self, party: str) -> tuple[int, int]:
        """Most bytes that the process of a party ever had: until training, and after it."""
        begin, end = _span(self.courses[party].marks)
        return begin.memory, end.memory


def train(
    workload: Workload,
    spec: Regression,
    protection: Protection = "asked",
    compute: Compute = Compute(),  # noqa: B008 - it is frozen
    line: Line = LOOPBACK,
) -> Trained:
    """Run a job over mutual TLS, in folders that are gone afterwards.

    Args:
        workload: The rows.
        spec: The `[regression]` table.
        protection: "clear": residuals and sums cross as they are.
        compute: How each party computes.
        line: What is between the parties.

    Returns:
        What came of it.

    Raises:
        SpecError: A party failed; standard error has what it said.
    """
    with TemporaryDirectory() as place:
        folder = Path(place)
        job = simulated.write_job(workload, compute, {"regression": spec}, folder)
        _, plans = simulate.planned(job)
        homes = folder / "homes"
        homes.mkdir()
        own = simulate.provide(plans, homes)
        del plans  # they hold all rows, which the parties read for themselves
        for home in own.values():
            file = home / PARTY_FILE
            file.write_text(file.read_text().replace(_LOOPBACK, line.address))
        commands = {
            party: [
                *line.before.get(party, ()),
                *(sys.executable, "-m", "benchmarks.regression_party"),
                *(str(_marks(folder, party)), protection, "run", str(job)),
                *("--party", str(own[party] / PARTY_FILE), "--into", str(folder / f"run-{party}")),
            ]
            for party in own
        }
        _play(commands, folder)
        runs = {party: Run(folder / f"run-{party}") for party in own}
        return Trained(
            spec,
            {party: run.read_json(run.result.name, TrainedResult) for party, run in runs.items()},
            {party: run.read_json(run.model.name, Part) for party, run in runs.items()},
            {
                party: msgspec.json.decode(_marks(folder, party).read_bytes(), type=Course)
                for party in own
            },
        )


def _marks(folder: Path, party: str) -> Path:
    return folder / f"{party}-marks.json"


def _play(commands: Mapping[str, Sequence[str]], folder: Path) -> None:
    """Run a process for each party, and wait for all to end.

    Args:
        commands: Of each party.
        folder: Where their logs go.

    Raises:
        SpecError: One failed, or they took too long.
    """
    deadline = time.monotonic() + PATIENCE
    with ExitStack() as running:
        logs = {party: folder / f"{party}.log" for party in commands}
        processes = {
            party: running.enter_context(_started(command, folder, logs[party]))
            for party, command in commands.items()
        }
        while not all(process.poll() == 0 for process in processes.values()):
            failed = [party for party, process in processes.items() if process.poll()]
            if failed or time.monotonic() > deadline:
                time.sleep(1.0)  # until the other one has said what it saw
                for log in logs.values():
                    print(log.read_text(errors="replace")[-2000:], file=sys.stderr)
                raise SpecError(f"{', '.join(failed) or 'nobody'} of a job failed, or it was late.")
            time.sleep(_GLANCE)


@contextmanager
def _started(command: Sequence[str], folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"TMPDIR": str(folder)}
    with (
        log.open("wb") as said,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said) as process,  # noqa: S603 - our own
    ):
        try:
            yield process
        finally:
            process.kill()


def _span(marks: Sequence[Mark]) -> tuple[Mark, Mark]:
    """The marks where a training begins and ends."""
    begin = next(number for number, mark in enumerate(marks) if mark.kind == "ready")
    rounds = [mark for mark in marks[begin:] if mark.kind in _IN_TRAINING]
    return marks[begin], rounds[-1]


def _declared(*modules: ModuleType) -> frozenset[str]:
    """Names of the messages of modules."""
    return frozenset(
        name
        for module in modules
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, Message)
    )


_TRAINING = _declared(messages, encrypted, shared, products) - {
    messages.PartialPredictor.__name__,
    messages.MaskedPredictor.__name__,
}
"""What crosses in a training; the others align rows, or score them."""

_IN_TRAINING: frozenset[Kind] = frozenset(("told", "kept"))
