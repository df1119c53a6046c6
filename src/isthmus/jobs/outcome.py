"""What a system hands back to the job when its role has ended."""

from collections.abc import Callable
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
    """One party's result."""

    model: msgspec.Struct
    """This party's part of the model."""

    rounds: int
    """Rounds of training."""

    converged: bool

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
    peer: Channel
    train: Table
    test: Table
    telemetry: Telemetry
    checkpoint: Path
    """Where the role keeps what it needs to go on after a failure."""
    job: str
    """Digest of the job."""


Play = Callable[[Any, Setting], Outcome]
"""The system's table of the job, and the setting; plays one role to its end."""
