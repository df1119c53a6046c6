"""The interface between `jobs` and a system: a system is a module with these functions.

A row of the registry names the module. Systems over aligned columns have more functions, see
`vertical/system.py`; systems in rounds, see `horizontal/system.py`; those of one organisation, see
`LocalSystem` here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Protocol, runtime_checkable

import msgspec

from isthmus.core.telemetry import Telemetry
from isthmus.data.spec import Dataset, Normalisation
from isthmus.evaluation.description import LanguagePair, PartialMetrics
from isthmus.evaluation.validation import Stability, Validation
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


class Throughput(msgspec.Struct, frozen=True, omit_defaults=True):
    """How fast training was, without the time that starting took; None: not counted."""

    samples_per_s: float | None = None
    tokens_per_s: float | None = None


class Traffic(msgspec.Struct, frozen=True):
    """What passed between the parts of a parameter server."""

    bytes: int


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the tables of a model took, or the whole process."""

    peak_bytes: int
    rows: int | None = None
    """Rows of tables at the end; None where a model has none."""

    evicted: int | None = None


class Staleness(msgspec.Struct, frozen=True):
    """How far training ran ahead of the exchange of rows, in windows."""

    greatest: int


class QueueCounts(msgspec.Struct, frozen=True):
    """What the queue of a task did."""

    flushes: int
    """Batches that were trained on."""

    waited: int
    """Most samples that were read until a sample of the queue was trained on."""

    trained: int
    """Samples that were trained on."""


class Retrieval(msgspec.Struct, frozen=True):
    """How well texts find their translations."""

    pairs: Sequence[LanguagePair]


class Converged(msgspec.Struct, frozen=True):
    """Whether the losses were flat at the end, by the kind of corpora; None: no such task."""

    bilingual: bool | None
    monolingual: bool | None


class Vocabulary(msgspec.Struct, frozen=True):
    """The pieces of a tokenizer."""

    size: int
    unknown: float
    """Share of the pieces of the training texts that stand for what the vocabulary lacks."""

    unknown_by_language: dict[str, float]
    cut: float
    """Share of the texts that are longer than the encoder reads."""


class CorpusRows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a corpus of texts, and why some were left out of training."""

    read: int
    trained: int
    held_out: int
    empty: int
    """No text, or only one where the corpus has several languages."""

    duplicates: int
    found_in_tests: int
    """A text of theirs is measured on."""

    @property
    def left_out(self) -> dict[str, int]:
        """Rows that are left out, by the reason in a few words."""
        found = {
            "that were there before": self.duplicates,
            "with a text that is measured on": self.found_in_tests,
            "without a text, or its translation": self.empty,
        }
        return {reason: rows for reason, rows in found.items() if rows}


class LocalOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of training at one organisation; its model is in the run folder."""

    metrics: PartialMetrics
    rows: dict[str, int]
    """Number of training rows (`train`) and of test rows (`test`)."""

    columns: int
    ending: str
    """How training ended, in a few words."""

    throughput: Throughput | None = None
    traffic: Traffic | None = None
    memory: Memory | None = None
    staleness: Staleness | None = None
    exchanges: int | None = None
    """How often the tiers of a parameter server exchanged rows."""

    queues: dict[str, QueueCounts] = {}
    """By name of the task."""

    corpora: dict[str, CorpusRows] = {}
    """By name."""

    retrieval: Retrieval | None = None
    converged: Converged | None = None
    vocabulary: Vocabulary | None = None
    validation: Validation | None = None
    """Where scores are probabilities and labels are known."""

    stability: Stability | None = None
    missing: dict[str, str] = {}
    """Why a figure or a comparison is missing, by its name."""


class Predicted(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of the rows of a file."""

    rows: int
    columns: Sequence[str]
    """Columns of the file with the scores."""


class Exported(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model in files that need no isthmus."""

    files: Sequence[str]
    """Names, relative to the folder."""

    rows: int
    """Rows of all tables."""

    snapshot: int | None = None
    """The snapshot that was exported; None where training takes none."""

    since: int | None = None
    """The snapshot that its rows are the changes since; None: all rows."""

    evicted: int = 0
    """Ids whose rows have gone since then."""


class Embedded(msgspec.Struct, frozen=True):
    """Vectors of the texts of a file."""

    texts: int
    size: int
    """Numbers of a vector."""


Score = Literal["dense", "lexical", "fused"]
"""Vectors alone, the mined dictionary and characters alone, or all of them."""


class MinedPairs(msgspec.Struct, frozen=True):
    """Texts of two files that are translations of each other, one to one."""

    pairs: int
    texts: tuple[int, int]
    """Texts of the two files."""

    languages: tuple[str, str]
    threshold: float
    """Lowest margin of a pair, chosen on held-out pairs or given."""

    precision: float | None
    """Share of right ones among held-out pairs that were found so; None: there are none."""

    recall: float | None
    """Share of the held-out pairs that were found so; None: nothing is held out."""


class MixedText(msgspec.Struct, frozen=True):
    """A text and the mixed-language text made of it."""

    language: str
    original: str
    mixed: str
    languages: Sequence[str]
    """All languages of the mixed text."""


class ScoredTexts(msgspec.Struct, frozen=True):
    """How well an encoder does on texts that its job does not name."""

    metrics: PartialMetrics
    retrieval: Retrieval
    left_out: dict[str, int]
    """Rows that are not measured, as a text of theirs was trained on, by name of the texts."""


@runtime_checkable
class LocalSystem(System, Protocol):
    """A system of one organisation: no peers, nothing leaves."""

    def load(self, spec: Any, inputs: LocalInputs, /) -> Any:
        """Read and check the data; raise a SpecError if they do not fit the job."""

    def facts(self, spec: Any, data: Any, /) -> Mapping[str, object]:
        """Returns the facts about the data that `isthmus check` shows, by name."""
        ...

    def train(self, spec: Any, data: Any, run: Run, telemetry: Telemetry, /) -> LocalOutcome:
        """Train and score, and write the model into the run folder."""
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
class CountsEquations(Protocol):
    """A system whose other parties learn equations about labels, which can be counted."""

    def exposure(self, spec: Any, rows: int, /) -> float:
        """Returns the equations per training row that one run tells."""
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
