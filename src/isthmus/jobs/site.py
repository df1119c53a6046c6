"""One party of a job in rounds: what it brings, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples
from isthmus.horizontal.course import Round, Training
from isthmus.horizontal.encoders.rehearsal import Rehearsal
from isthmus.horizontal.lesson import Prepare
from isthmus.horizontal.parameters import Parameters
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Checkpoint

Measures = dict[str, dict[str, float]]
"""By measure, then by party or by way of training."""

EPSILON = "epsilon"
"""What noise has cost a party in all rounds, among its metrics."""


@dataclass(frozen=True)
class Site:
    """What one party brings to a job in rounds."""

    party: str
    children: tuple[str, ...]
    """Of the job, sorted."""

    train: Samples | None = field(repr=False)
    test: Samples | None = field(repr=False)
    seed: int
    """The job's."""

    rehearsal: Rehearsal | None = None
    """How a child misbehaves in a trial, if it does."""


@dataclass(frozen=True)
class Ended:
    """What a party has when the rounds are over."""

    parameters: Parameters
    model: str
    """SHA-256 of the parameters."""

    count: int
    """Of rounds: all at the master, those it trained in at a child."""

    rounds: tuple[Round, ...] = ()
    """At the master only, as is what follows."""

    holders: tuple[str, ...] = ()
    """Children that have said that they keep the parameters."""

    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """At a child: of its training in the last round."""

    def keep(self, path: Path, job: str) -> None:
        """Keep it in a file: to measure it takes none of the other parties.

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
    def kept(cls, path: Path, job: str) -> "Ended | None":
        """What was kept in a file, if it is there.

        Args:
            path: The file.
            job: Digest of the job.

        Returns:
            The same as was kept, or nothing.

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


Lead = Callable[[Any, Site], Training]
"""What the master lets its children train."""

Follow = Callable[[Any, Site], Prepare]
"""How a child trains."""

Finish = Callable[[Any, Site, Ended, Path, Telemetry], dict[str, float]]
"""Stores the network in a folder, and measures it with what the party has."""

Compare = Callable[[Any, Mapping[str, Site], Mapping[str, dict[str, float]]], Measures]
"""Puts the measures of all parties beside what other ways of training reach on their samples."""
