"""The inputs of a role: one party's rows, and where the random choices come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from isthmus.data.table import Table


@dataclass(frozen=True)
class Rows:
    """One party's rows, in the common order."""

    train: Table
    test: Table

    monotone: Mapping[str, int] = field(default_factory=dict[str, int])
    """Columns of the active party with which the score must not fall (1), or not rise (-1)."""


@dataclass(frozen=True)
class Randomness:
    """Where the random choices of a job come from."""

    seed: int
    """The job's seed."""

    job: str
    """Digest of the job."""

    secret: int | None = None
    """The active party's own seed, for samples that nobody else may reproduce; None: the job's."""
