"""Capabilities that some families have: the functions that their modules hold besides."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

from isthmus.core.telemetry import Sink
from isthmus.jobs.job import Job
from isthmus.jobs.plan import FamilyCode, Loaded
from isthmus.jobs.result import SearchResult
from isthmus.outcomes import Exported, Predicted
from isthmus.store.runs import Run


@runtime_checkable
class ModelFamilyCode(FamilyCode, Protocol):
    """What the module of a family holds besides if its runs leave a whole model."""

    def predict(self, run: Run, job: Job, file: Path, out: IO[bytes], /) -> Predicted:
        """Score the rows of a file; a SpecError where the system cannot do it."""
        ...

    def export(self, run: Run, job: Job, into: Path, since: int | None, /) -> Exported:
        """Write the model of a run, which may still go on, into an empty folder.

        A SpecError where the system has no such form.
        """
        ...


@runtime_checkable
class SharingFamilyCode(FamilyCode, Protocol):
    """What the module of a family holds besides if several processes may share a run."""

    def helps(self, loaded: Loaded, /) -> bool:
        """Returns whether this process was started to help the one that runs a job."""
        ...

    def assist(self, loaded: Loaded, /) -> None:
        """Help the process that runs a job, until it needs no more help."""
        ...


class ScoresTables(Protocol):
    """Scores rows online; several threads may call it."""

    def __call__(self, rows: Any, /) -> Any:
        """Returns the scores of rows; both are a `pyarrow.Table`."""
        ...


@runtime_checkable
class ScoringFamilyCode(FamilyCode, Protocol):
    """What the module of a family holds besides if later jobs score with models of its runs."""

    def left_model(self, result: Any, /) -> bool:
        """Returns whether the run with this result leads to a model to score with."""
        ...

    def scoring_job(
        self,
        run: Run,
        earlier: Job,
        dataset: str | None,
        /,
        *,
        online: bool,
        cut: float | None,
    ) -> Job:
        """Returns a job that scores with the model of a run; it does not say what it discloses."""
        ...

    def scoring(
        self, plan: Any, into: Path | None, watch: Sink, /
    ) -> AbstractContextManager[tuple[Run, ScoresTables]]:
        """Score rows online, as the first party, while the block runs."""
        ...


@runtime_checkable
class FingerprintsFamilyCode(FamilyCode, Protocol):
    """What the module of a family holds besides if parties know each other by the job."""

    def unknown_parties(self, loaded: Loaded, /) -> list[str]:
        """Returns the parties whose fingerprint a job needs and does not hold."""
        ...


@runtime_checkable
class SearchedFamilyCode(FamilyCode, Protocol):
    """What the module of a family holds besides if a search can repeat its training."""

    def searched(self, found: SearchResult, /) -> SearchResult:
        """Returns the result of a search as one of this family."""
        ...
