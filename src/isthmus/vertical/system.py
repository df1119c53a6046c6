"""The interface between `jobs` and systems over aligned columns: inputs, results, functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from isthmus.core.arrays import Floats
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import Engine
from isthmus.data.spec import Dataset
from isthmus.data.table import Table
from isthmus.evaluation.description import Description, PartialMetrics
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.paramserver.spec import Cluster
from isthmus.store.checkpoint import Checkpoint
from isthmus.store.runs import Run
from isthmus.system import System
from isthmus.transport.channel import Channel

if TYPE_CHECKING:  # they load Arrow, and keys
    from isthmus.crypto.identity import Identity
    from isthmus.data.scores import Scores


@dataclass(frozen=True)
class Measured:
    """Metrics of a model at the active party; empty at the others."""

    metrics: PartialMetrics = field(default_factory=dict[str, dict[str, float | None]])
    """Metrics on the test rows, of the joint model and of a model on the active party's columns;
    None where one is undefined."""

    scores: "Scores | None" = None
    """Predictions for the test rows, with those of a model on the active party's columns."""

    leakage: dict[str, float] = field(default_factory=dict[str, float])
    """How much other parties can have learned about the labels, by measure."""

    missing: dict[str, str] = field(default_factory=dict[str, str])
    """Why a figure or a comparison is missing, by its name."""


@dataclass(frozen=True)
class Outcome:
    """The result of training at one party."""

    model: msgspec.Struct
    """This party's part of the model."""

    rounds: int
    """Rounds of training."""

    converged: bool | None
    """Whether a tolerance was reached; None if training has no tolerance."""

    ending: str = ""
    """How training ended, in a few words."""

    run: str = ""
    """Random name of the training, the same at all parties."""

    scores: "Scores | None" = None
    """Predictions of the joint model for the test rows, at the active party."""

    train_scores: Floats | None = None
    """Scores of the training rows by the same model, shape (rows,), if the active party knows them:
    not with several batches, nor for several classes."""

    functions: tuple[int, ...] = ()
    """Products that made up a residual in each round of a regression at the level `shared`."""

    curve: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    """Metrics of each round, at the active party."""

    found: Checkpoint = field(default_factory=lambda: Checkpoint({}))
    """What it takes, besides the rows, to measure the model: `predictions` and `training`, where
    there are any, and more. It is kept until the model has been measured."""

    measure: Callable[[], Measured] = Measured
    """Measures and compares the model. Called after model, predictions and result are stored."""


@dataclass(frozen=True)
class RoleContext:
    """The inputs of a role, besides the table of its system in the job."""

    role: str
    peers: Mapping[str, Channel]
    """The channel to each peer, by name."""

    train: Table
    test: Table
    telemetry: Telemetry
    checkpoint: Path
    """The file of the role's checkpoint."""

    job: str
    """Digest of the job."""

    seed: int
    """The seed of the job."""

    monotone: Mapping[str, int] = field(default_factory=dict[str, int])
    """Sign of each monotone column: 1 if predictions must not fall with it, -1 if not rise."""

    party: str = ""
    """Our name."""

    minimum_column_rows: int = 20
    """Fewest rows that a column may tell from all others, by our policy."""

    identity: "Identity | None" = None
    """Who we are to other passive parties, where they sum something under masks."""

    engine: Engine = "auto"
    """What this party asks to compute its encryption with."""

    workers: int | None = None
    """Number of processes of this party that compute on ciphertexts; None: as many as pay."""

    cluster: Cluster | None = None
    """The Ray of this party where workers of a regression run; None: this machine."""


@dataclass(frozen=True)
class PooledRows:
    """The rows of all parties in one place, in a simulation."""

    trains: Sequence[Table]
    """Training rows of each party in one order; the first party first, the others by name."""

    tests: Sequence[Table]
    """Test rows of each party, likewise."""

    job: str
    """Digest of the job."""

    seed: int
    monotone: Mapping[str, int] = field(default_factory=dict[str, int])
    """The monotone columns of the first party."""

    checkpoint: Path | None = None
    """The file of the first party's checkpoint; None where there was no run."""


@runtime_checkable
class PlansAhead(Protocol):
    """A system over aligned columns that knows something of a run before it begins."""

    def describe_training(self, spec: Any, /) -> Sequence[str]:
        """Returns what will happen in training, in order, a sentence each."""
        ...

    def check_rows(self, spec: Any, most: int, /) -> None:
        """Raise a SpecError if the job cannot train on `most` rows, nor on fewer."""

    def least(self, spec: Any, passive: str, sizes: Sizes, /) -> list[Flow]:
        """Returns messages of training that every run sends, whatever the data are."""
        ...

    def seconds_per_round(self, spec: Any, sizes: Sizes, asked: Engine, /) -> float:
        """Measures for a moment, and returns what all parties compute in a round, one by one."""
        ...


@runtime_checkable
class Encrypts(Protocol):
    """A system over aligned columns that computes on ciphertexts."""

    def engine(self, spec: Any, asked: Engine, /) -> str:
        """Returns what computes the encryption here, or raises a SpecError if it cannot run."""
        ...


@runtime_checkable
class KeepsColumns(Protocol):
    """A system over aligned columns that keeps more of them in memory than the columns."""

    def kept_bytes(self, spec: Any, role: str, rows: int, columns: int, /) -> int:
        """Returns how many bytes more a role keeps of so many rows and columns."""
        ...


EQUATIONS, NODES, SLOPES = "equations", "nodes", "slopes"
"""What a training tells a peer: equations about labels, per row of the rarer label; nodes of trees,
which follow labels; linear combinations of columns, row by row."""


@dataclass(frozen=True)
class Telling:
    """One party tells another one something in a training: who, and about which rows."""

    role: str
    """Of the party that tells."""

    passive: str
    """Name of the passive one of the two."""

    rows: int
    """The number of training rows, at the most."""

    label: Floats | None = None
    """Labels of all rows that may be trained on, at the active party."""


@runtime_checkable
class CountsWhatIsTold(Protocol):
    """A system that says how much a training tells, so that it can be added up over all runs."""

    def told(self, spec: Any, telling: Telling, /) -> dict[str, float]:
        """Returns the most that a party tells a peer, by `EQUATIONS` and the like."""
        ...

    def most_told(self, spec: Any, /) -> dict[str, float]:
        """Returns the most that the job lets all trainings together tell, where it says so."""
        ...


@runtime_checkable
class CountsEquations(Protocol):
    """A system of whose equations about labels some are counted for each row of a rare label."""

    def rare_labels(self, spec: Any, /) -> str:
        """Returns in words which label these rows have."""
        ...


@runtime_checkable
class KnowsParties(Protocol):
    """A system whose table of the job names parties."""

    def check_parties(self, spec: Any, passives: Sequence[str], /) -> None:
        """Raise a SpecError if the passive parties of the job are others than its table says."""


@runtime_checkable
class ChecksExpected(Protocol):
    """A system that knows more of what a job may expect than how many rounds it has at most."""

    def check_expected(self, spec: Any, rounds: int, functions: int, /) -> None:
        """Raise a SpecError if no run of the job can have so many rounds or functions."""


@runtime_checkable
class ProtectsRareValues(Protocol):
    """A system in which a column could tell a label of a single row."""

    def check_columns(self, spec: Any, role: str, train: Table, least: int, /) -> None:
        """Raise a PolicyError if a column tells fewer than `least` rows from all others."""


@runtime_checkable
class AttacksItself(Protocol):
    """A system that can measure, where all columns are in one place, what labels it has told."""

    def leakage(self, spec: Any, rows: PooledRows, /) -> dict[str, float]:
        """Returns how much other parties can have learned about the labels, by measure."""
        ...


@runtime_checkable
class SumsUnderMasks(Protocol):
    """A system whose passive parties sum something under masks that they share two by two."""

    def sums(self, spec: Any, passives: int, /) -> str:
        """Returns who sums what, as the beginning of a sentence; empty if nobody does."""
        ...


@runtime_checkable
class AlignedSystem(System, Protocol):
    """The functions of a system over aligned columns: a module."""

    MOST_PARTIES: int | None
    """Most parties of a job; None for as many as the alignment allows."""

    NUMBERS_ONLY: bool
    """Whether the model takes neither categories nor empty cells."""

    def check_dataset(self, spec: Any, role: str, key: str, dataset: Dataset, /) -> None:
        """Raise a SpecError if a data set has keys that would have no effect."""

    def check_party(
        self, spec: Any, party: str, role: str, train: Table, test: Table | None, /
    ) -> None:
        """Raise a SpecError if the data of one party, given its name, do not fit the job."""

    def most_rounds(self, spec: Any, /) -> int:
        """Returns the largest number of rounds."""
        ...

    def forecast(self, spec: Any, passive: str, sizes: Sizes, /) -> list[Flow]:
        """Returns a forecast of the messages between the active party and a passive one."""
        ...

    def play(self, spec: Any, context: RoleContext, /) -> Outcome:
        """Train and score in one role, on aligned rows."""
        ...

    def measure_again(self, spec: Any, context: RoleContext, found: Checkpoint, /) -> Measured:
        """Measure the model of a run that was stopped meanwhile; there are no channels."""
        ...

    def describe_model(self, run: Run, /) -> Description:
        """Returns the description of a finished run's model, for its report."""
        ...

    def pooled(self, spec: Any, rows: PooledRows, /) -> PartialMetrics:
        """Returns metrics of the same model on pooled columns, and of XGBoost for trees."""
        ...
