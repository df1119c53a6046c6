"""The results of a system of one organisation: of training, and of what its model is used for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from isthmus.evaluation.description import LanguagePair, PartialMetrics
from isthmus.evaluation.validation import Stability, Validation


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


@dataclass(frozen=True)
class LocalTrained:
    """A training at one organisation that has ended: its model is in the run folder."""

    outcome: LocalOutcome
    """All that is known without measuring the model."""

    measure: Callable[[], LocalOutcome]
    """Measures and compares the model. Called after model and outcome are stored."""


class Predicted(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of the rows of a file."""

    rows: int
    columns: Sequence[str]
    """Columns of the file with the scores."""

    stability: Stability | None = None
    """How far the rows are from those that were trained on; None where that is not known."""

    missing: str = ""
    """Why `stability` is not known, if the system compares rows at all."""


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
