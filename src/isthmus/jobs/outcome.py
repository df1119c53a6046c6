"""What a system hands back to the job when its role has ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from isthmus.core.telemetry import Telemetry
from isthmus.data.scores import Scores
from isthmus.data.table import Table
from isthmus.evaluation.report import Coefficient, Importance
from isthmus.transport.channel import Channel


@dataclass(frozen=True)
class Outcome:
    """One party's result."""

    model: msgspec.Struct
    """This party's part of the model."""

    rounds: int
    """Rounds of training."""

    converged: bool

    ending: str = ""
    """How training ended, in a few words."""

    metrics: dict[str, float] = field(default_factory=dict[str, float])
    """Only the party with the labels has any."""

    scores: Scores | None = None
    """Predictions of the test rows, at the party with the labels."""

    curve: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    """Metrics of each round."""


@dataclass(frozen=True)
class Setting:
    """What a role plays with."""

    role: str
    peers: Mapping[str, Channel]
    """The line to each party that we talk to, by name."""

    train: Table
    test: Table
    telemetry: Telemetry
    checkpoint: Path
    """Where the role keeps what it needs to go on after a failure."""
    job: str
    """Digest of the job."""

    seed: int
    """What the job draws its samples with."""


@dataclass(frozen=True)
class Description:
    """What this party's part of a model says, for its report."""

    coefficients: list[Coefficient] = field(default_factory=list[Coefficient])
    intercept: float | None = None
    importance: list[Importance] = field(default_factory=list[Importance])


Play = Callable[[Any, Setting], Outcome]
"""The system's table of the job, and the setting; plays one role to its end."""
