"""What a system in rounds has to offer a job: types of its functions, and what they exchange."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.rounds.local_training import MakeTrainer
from isthmus.horizontal.rounds.training import Round, Training
from isthmus.horizontal.spec import SimulatedAttack
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Checkpoint

Measures = dict[str, dict[str, float]]
"""By name of the measure, then by party or by way of training."""

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
        )


Lead = Callable[[Any, LocalData], Training]
"""Sets up training at the master, from the table of the job and the master's data."""

Follow = Callable[[Any, LocalData], MakeTrainer]
"""Sets up training at a child, from the table of the job and the child's data."""

Finish = Callable[[Any, LocalData, RoundsOutcome, Path, Telemetry], dict[str, float]]
"""Stores the trained network in a folder, and returns metrics on the party's own samples."""

Compare = Callable[[Any, Mapping[str, LocalData], Mapping[str, dict[str, float]]], Measures]
"""Returns the metrics of all parties beside those of other ways of training on their samples."""
