"""The inputs of a role: one party's rows, and the seeds of random choices."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from isthmus.data.table import Table


@dataclass(frozen=True)
class Rows:
    """One party's rows, in the common order."""

    train: Table
    test: Table

    monotone: Mapping[str, int] = field(default_factory=dict[str, int])
    """Sign of each monotone column: 1 if the score must not fall with it, -1 if not rise."""


@dataclass(frozen=True)
class Randomness:
    """The seeds of the random choices of a job."""

    seed: int
    """The job's seed."""

    job: str
    """Digest of the job."""

    secret: int | None = None
    """The active party's secret seed, by which trees draw rows and codes: who could repeat the
    draws could try labels until they fit. None where there is nobody to keep it from."""

    @property
    def draws(self) -> int:
        """The seed by which trees draw rows and codes."""
        return self.seed if self.secret is None else self.secret
