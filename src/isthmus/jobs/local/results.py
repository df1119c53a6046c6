"""Results of jobs of one organisation."""

from isthmus.evaluation.description import PartialMetrics
from isthmus.evaluation.validation import Stability, Validation
from isthmus.jobs.result import AnyResult
from isthmus.outcomes import (
    Converged,
    CorpusRows,
    Memory,
    QueueCounts,
    Retrieval,
    Staleness,
    Throughput,
    Traffic,
    Vocabulary,
)


class LocalResult(AnyResult, frozen=True, kw_only=True, tag="local.trained", omit_defaults=True):
    """The result of a run of one organisation; what a system does not count is left out."""

    system: str
    started: str
    rows: dict[str, int]
    columns: int
    metrics: PartialMetrics
    ending: str  # how training ended, in a few words
    throughput: Throughput | None = None
    traffic: Traffic | None = None
    memory: Memory | None = None
    staleness: Staleness | None = None
    exchanges: int | None = None
    queues: dict[str, QueueCounts] = {}
    corpora: dict[str, CorpusRows] = {}
    retrieval: Retrieval | None = None
    converged: Converged | None = None
    vocabulary: Vocabulary | None = None
    validation: Validation | None = None
    stability: Stability | None = None
