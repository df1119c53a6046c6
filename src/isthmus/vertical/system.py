"""What a system over columns of the same rows gets from a job, and what it returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from isthmus.core.telemetry import Telemetry
from isthmus.data.spec import Dataset
from isthmus.data.table import Table
from isthmus.evaluation.description import Description, Metrics
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.store.runs import Run
from isthmus.system import System
from isthmus.transport.channel import Channel

if TYPE_CHECKING:  # it loads Arrow
    from isthmus.data.scores import Scores


@dataclass(frozen=True)
class Measured:
    """What the party with the labels can say of a model; the others can say nothing."""

    metrics: Metrics = field(default_factory=dict[str, dict[str, float]])
    """On the test rows, of the joint model and of the active party alone."""

    scores: "Scores | None" = None
    """Predictions of the test rows."""

    curve: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    """Metrics of each round."""

    leakage: dict[str, float] = field(default_factory=dict[str, float])
    """How much the other parties can have learned of the labels, by measure."""


@dataclass(frozen=True)
class Outcome:
    """The result of training at one party."""

    model: msgspec.Struct
    """This party's part of the model."""

    rounds: int
    """Rounds of training."""

    converged: bool | None
    """Whether a tolerance was reached; None where training has none."""

    ending: str = ""
    """How training ended, in a few words."""

    measure: Callable[[], Measured] = Measured
    """Measures what was trained, once the model is stored: no model hangs on a measure."""


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


@runtime_checkable
class AlignedSystem(System, Protocol):
    """A module that plays the roles of a system over aligned columns."""

    MOST_PARTIES: int | None
    """How many parties a job may have; None: as many as the alignment."""

    def check_dataset(self, spec: Any, role: str, key: str, dataset: Dataset, /) -> None:
        """Raise a SpecError where a data set has keys of which nothing would come."""

    def check_party(self, spec: Any, role: str, train: Table, test: Table | None, /) -> None:
        """Raise a SpecError where the data of one party do not fit the job."""

    def most_rounds(self, spec: Any, /) -> int:
        """Returns the most rounds of training."""
        ...

    def forecast(self, spec: Any, sizes: Sizes, /) -> list[Flow]:
        """Returns what crosses between the active party and a passive one."""
        ...

    def play(self, spec: Any, context: RoleContext, /) -> Outcome:
        """Play one role to its end; the rows are aligned already."""
        ...

    def describe_model(self, run: Run, /) -> Description:
        """Returns what the model of a finished run says, for its report."""
        ...

    def pooled(self, spec: Any, rows: PooledRows, /) -> Metrics:
        """Returns metrics of the same model on pooled columns, and of its rivals."""
        ...
