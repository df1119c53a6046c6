"""Functions that a system in rounds offers to a job, and the types that they exchange."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol, runtime_checkable

import msgspec

from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples
from isthmus.evaluation.description import Metrics
from isthmus.horizontal.forecast import Line
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.rounds.local_training import MakeTrainer
from isthmus.horizontal.rounds.training import Round, Training
from isthmus.horizontal.spec import SimulatedAttack
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Checkpoint
from isthmus.system import System

EPSILON = "epsilon"
"""Name of a metric: the epsilon that a party has spent in all rounds."""


@dataclass(frozen=True)
class LocalData:
    """The samples of one party, and what it knows of the job."""

    party: str
    children: tuple[str, ...]
    """Names of all children of the job, sorted."""

    train: Samples | None = field(repr=False)
    test: Samples | None = field(repr=False)
    seed: int
    """The job's."""

    folder: Path = Path()
    """Of the job file: files that the job names lie there."""

    simulated_attack: SimulatedAttack | None = None
    """How this child attacks the training in a simulation, if it does."""


@dataclass(frozen=True)
class RoundsOutcome:
    """The result of training at one party."""

    parameters: Parameters
    model: str
    """SHA-256 of the parameters."""

    count: int
    """Number of rounds: of all at the master, of those it trained in at a child."""

    rounds: tuple[Round, ...] = ()
    """The record of the rounds, at the master only."""

    holders: tuple[str, ...] = ()
    """Children that have confirmed that they have the parameters, at the master only."""

    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """Of the training in the last round, at a child only."""

    vocabulary: bytes = b""
    """The file `tokenizer.json`, where all agreed on one."""

    def save(self, path: Path, job: str) -> None:
        """Write it to a file, so that measuring can be repeated without the other parties.

        Args:
            path: The file.
            job: Digest of the job.
        """
        checkpoint.save(
            path,
            job,
            Checkpoint(
                dict(self.parameters),
                {
                    "model": self.model,
                    "count": self.count,
                    "rounds": msgspec.json.encode(self.rounds).decode(),
                    "holders": msgspec.json.encode(self.holders).decode(),
                    "metrics": msgspec.json.encode(self.metrics).decode(),
                    "vocabulary": self.vocabulary.decode(),
                },
            ),
        )

    @classmethod
    def load(cls, path: Path, job: str) -> "RoundsOutcome | None":
        """Read it from a file, if the file exists.

        Args:
            path: The file.
            job: Digest of the job.

        Returns:
            What was saved, or nothing.

        Raises:
            SpecError: The file is broken, or of another job.
        """
        saved = checkpoint.load(path, job)
        if saved is None:
            return None
        return cls(
            parameters=saved.arrays,
            model=str(saved.facts["model"]),
            count=int(saved.facts["count"]),
            rounds=msgspec.json.decode(str(saved.facts["rounds"]), type=tuple[Round, ...]),
            holders=msgspec.json.decode(str(saved.facts["holders"]), type=tuple[str, ...]),
            metrics=msgspec.json.decode(str(saved.facts["metrics"]), type=dict[str, float]),
            vocabulary=str(saved.facts["vocabulary"]).encode(),
        )


class VocabularyFacts(msgspec.Struct, frozen=True):
    """The vocabulary of a network of texts."""

    size: int
    """Its pieces."""

    named_words: int | None
    """Words that children named for it; None if it was given."""


@dataclass(frozen=True)
class Compared:
    """Metrics of a simulated run, beside those of other ways of training on the same samples."""

    metrics: Metrics
    """Of the master's samples; where it has none, means over the parties."""

    by_party: dict[str, Metrics]
    vocabulary: VocabularyFacts | None = None
    """Of a network that has one."""


@runtime_checkable
class RoundsSystem(System, Protocol):
    """A module that plays the roles of a system that trains a network in rounds."""

    def check_party(
        self, spec: Any, role: str, train: Samples | None, test: Samples | None, /
    ) -> None:
        """Raise a SpecError where the samples of one party do not fit the job."""

    def forecast(self, spec: Any, line: Line, sizes: Sizes, /) -> list[Flow]:
        """Returns what crosses between the master and a child."""
        ...

    def lead(self, spec: Any, local: LocalData, /) -> Training:
        """Returns what the master lets its children train."""
        ...

    def follow(self, spec: Any, local: LocalData, /) -> MakeTrainer:
        """Returns the function that makes a child's trainer."""
        ...

    def finish(
        self,
        spec: Any,
        local: LocalData,
        outcome: RoundsOutcome,
        folder: Path,
        telemetry: Telemetry,
        /,
    ) -> Callable[[], Metrics]:
        """Store the network in a folder, and return what measures it on the party's samples."""
        ...

    def epsilon(self, spec: Any, local: LocalData, outcome: RoundsOutcome, /) -> float | None:
        """Returns the privacy that this party's noise has cost; None without noise."""
        ...

    def compare(
        self, spec: Any, parties: Mapping[str, LocalData], measured: Mapping[str, Metrics], /
    ) -> Compared:
        """Returns the metrics of all parties, beside other ways of training on their samples."""
        ...

    def suspects(self, spec: Any, history: Sequence[Round], /) -> dict[str, list[str]]:
        """Returns the children that the master should look at, with the reasons."""
        ...


def merged(*several: Metrics) -> Metrics:
    """Returns the values of several models in one."""
    found: Metrics = {}
    for metrics in several:
        for measure, values in metrics.items():
            found[measure] = found.get(measure, {}) | values
    return found


def means(parties: Iterable[Metrics]) -> Metrics:
    """Returns the mean over the parties of every value, each party counting once."""
    gathered: dict[tuple[str, str], list[float]] = {}
    for metrics in parties:
        for measure, values in metrics.items():
            for model, value in values.items():
                gathered.setdefault((measure, model), []).append(value)
    found: Metrics = {}
    for (measure, model), each in gathered.items():
        found.setdefault(measure, {})[model] = fmean(each)
    return found
