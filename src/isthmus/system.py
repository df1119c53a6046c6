"""The interface between `jobs` and a system: a system is a module with these functions.

A row of the registry names the module. Systems over aligned columns have more functions, see
`vertical/system.py`; systems in rounds, see `horizontal/system.py`; those of one organisation, see
`LocalSystem` here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

from isthmus.core.telemetry import Telemetry
from isthmus.data.spec import Dataset, Normalisation
from isthmus.outcomes import (
    Embedded,
    Exported,
    LocalOutcome,
    LocalTrained,
    MinedPairs,
    MixedText,
    Predicted,
    Score,
    ScoredTexts,
)
from isthmus.store.runs import Run


@runtime_checkable
class System(Protocol):
    """The functions of every system."""

    def check(self, spec: Any, /) -> None:
        """Raise a SpecError if this machine cannot run the job."""


@dataclass(frozen=True)
class LocalInputs:
    """The data sets of a job of one organisation."""

    folder: Path
    """Folder of the job file: paths in it are relative to this folder."""

    seed: int
    job: str
    """Digest of the job."""

    train: Dataset | None = None
    """None where the system names its data itself, see `NamesData`."""

    test: Dataset | None = None
    test_share: float = 0.0
    normalise: Sequence[Normalisation] = ()
    """Normalisation of identifiers, if rows have any."""

    others: Mapping[str, Dataset] = field(default_factory=dict[str, Dataset])
    """Data sets that the system names itself, see `NamesDatasets`, by name."""


@runtime_checkable
class LocalSystem(System, Protocol):
    """A system of one organisation: no peers, nothing leaves."""

    def load(self, spec: Any, inputs: LocalInputs, /) -> Any:
        """Read and check the data; raise a SpecError if they do not fit the job."""

    def facts(self, spec: Any, data: Any, /) -> Mapping[str, object]:
        """Returns the facts about the data that `isthmus check` shows, by name."""
        ...

    def peak(self, spec: Any, data: Any, /) -> int:
        """Returns about how many bytes of memory a run takes at most."""
        ...

    def train(self, spec: Any, data: Any, run: Run, telemetry: Telemetry, /) -> LocalTrained:
        """Train, and write the model into the run folder; return what measures it."""
        ...

    def page(self, run: Run, shown: Mapping[str, Any], outcome: LocalOutcome, /) -> str:
        """Returns the report as HTML; `shown` holds the fields of `Page` that every run has."""
        ...


@runtime_checkable
class NamesDatasets(Protocol):
    """A system of one organisation that uses more data sets than one to train on and one to test.

    This and the protocols below are for functions that a system may have or not.
    """

    def datasets(self, spec: Any, /) -> Sequence[str]:
        """Returns the names of the data sets that the job's table names."""
        ...


@runtime_checkable
class NamesData(Protocol):
    """A system of one organisation whose table says where its data lie: the job has no `[data]`."""

    def sources(self, spec: Any, /) -> Sequence[str]:
        """Returns the names of the data in the job's table."""
        ...


@runtime_checkable
class Describes(Protocol):
    """A system of one organisation that says itself what it will do."""

    def steps(self, spec: Any, /) -> Sequence[str]:
        """Returns what will happen in training, in order, a sentence each."""
        ...


@runtime_checkable
class Shares(Protocol):
    """A system whose training several processes may share."""

    def helps(self) -> bool:
        """Whether a launcher started this process to help the one that trains."""
        ...

    def assist(self, spec: Any, inputs: LocalInputs, /) -> None:
        """Help the process that trains, until it has what it needs."""
        ...


@runtime_checkable
class Predicts(Protocol):
    """A system of one organisation whose stored model scores new rows."""

    def predict(self, spec: Any, rows: Dataset, run: Run, out: IO[bytes], /) -> Predicted:
        """Score rows.

        Args:
            spec: What the job of the run says of the system.
            rows: The rows; what is not their path is as the job says of those to train on.
            run: The finished run.
            out: The file for the scores, as Parquet.

        Returns:
            How many rows there are.
        """
        ...


@runtime_checkable
class Exports(Protocol):
    """A system of one organisation whose model can serve without isthmus."""

    def export(self, spec: Any, run: Run, into: Path, since: int | None, /) -> Exported:
        """Write the model.

        Args:
            spec: What the job of the run says of the system.
            run: The finished run.
            into: A folder that is empty.
            since: Number of a snapshot: only what has changed since then; None: all of it.

        Returns:
            What was written.
        """
        ...


@runtime_checkable
class EncodesTexts(Protocol):
    """A system whose stored model turns texts into vectors."""

    def embed(self, spec: Any, run: Run, file: Path, out: IO[bytes], /) -> Embedded:
        """Write the vectors of the texts of a file, as Parquet."""
        ...

    def mine(
        self,
        spec: Any,
        run: Run,
        files: tuple[Path, Path],
        out: IO[bytes],
        score: Score,
        least: float | None,
        /,
    ) -> MinedPairs:
        """Write the texts of two files that are translations of each other, as TSV."""
        ...

    def evaluate(self, spec: Any, run: Run, files: Sequence[Path], /) -> ScoredTexts:
        """Returns how well texts of files find their translations."""
        ...


@runtime_checkable
class MixesTexts(Protocol):
    """A system that makes mixed-language texts to train on."""

    def mix(self, spec: Any, inputs: LocalInputs, count: int, /) -> Sequence[MixedText]:
        """Returns some of them, from the data of a job."""
        ...


@runtime_checkable
class ScoresRows(Protocol):
    """A system that trains nothing: it scores rows with the model of an earlier run."""

    def model(self, spec: Any, /) -> str:
        """Returns the digest of that run."""
        ...

    def online(self, spec: Any, /) -> bool:
        """Returns whether rows are scored one by one, as somebody asks for them."""
        ...
