"""Results of jobs of one organisation."""

from isthmus.evaluation.description import Metrics
from isthmus.jobs.result import AnyResult


class LocalResult(AnyResult, frozen=True, kw_only=True, tag="local.trained"):
    """The result of a run of one organisation."""

    system: str
    started: str
    rows: dict[str, int]
    columns: int
    metrics: Metrics
    ending: str  # how training ended, in a few words
