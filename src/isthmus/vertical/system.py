"""What a system over columns of the same rows gets from a job, and what it returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from isthmus.core.telemetry import Telemetry
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.transport.channel import Channel


@dataclass(frozen=True)
class Outcome:
    """The result of training and scoring at one party."""

    model: msgspec.Struct
    """This party's part of the model."""

    rounds: int
    """Rounds of training."""

    converged: bool

    ending: str = ""
    """How training ended, in a few words."""

    metrics: dict[str, float] = field(default_factory=dict[str, float])
    """Measures on the test rows; only the party with the labels has any."""

    scores: Scores | None = None
    """Predictions of the test rows, at the party with the labels."""

    curve: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    """Metrics of each round."""

    leakage: dict[str, float] = field(default_factory=dict[str, float])
    """How much the other parties can have learned of the labels, by measure."""


@dataclass(frozen=True)
class RoleContext:
    """All that a role needs besides the table of its system in the job."""

    role: str
    peers: Mapping[str, Channel]
    """The line to each peer, by name."""

    train: Table
    test: Table
    telemetry: Telemetry
    checkpoint: Path
    """Where the role saves what it needs to continue after a failure."""
    job: str
    """Digest of the job."""

    seed: int
    """The seed of the job."""

    monotone: Mapping[str, int] = field(default_factory=dict[str, int])
    """Our columns with which a prediction must not fall (1), or not rise (-1)."""

    workers: int = 1
    """Processes of this party that compute on ciphertexts."""


@dataclass(frozen=True)
class PooledRows:
    """The rows of all parties in one place: only a simulation has them."""

    trains: Sequence[Table]
    """Rows to train on of each party in one order, the first party's first, then by name."""

    tests: Sequence[Table]
    """Rows to score, likewise."""

    job: str
    """Digest of the job."""

    seed: int
    monotone: Mapping[str, int] = field(default_factory=dict[str, int])
    """As the first party has it."""


Play = Callable[[Any, RoleContext], Outcome]
"""Plays one role to its end: the system's table of the job and the context in, the outcome out."""
