"""The interface between `jobs` and a system: a system is a module with these functions.

A row of the registry names the module. Systems over aligned columns have more functions, see
`vertical/system.py`; systems in rounds, see `horizontal/system.py`; those of one organisation, see
`LocalSystem` here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec

from isthmus.core.telemetry import Telemetry
from isthmus.data.spec import Dataset, Normalisation
from isthmus.evaluation.description import Metrics
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

    train: Dataset | None
    test: Dataset | None
    test_share: float
    normalise: Sequence[Normalisation]
    """Normalisation of identifiers, if rows have any."""

    seed: int
    job: str
    """Digest of the job."""


class LocalOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of training at one organisation; its model is in the run folder."""

    metrics: Metrics
    rows: dict[str, int]
    """Number of training rows (`train`) and of test rows (`test`)."""

    columns: int
    ending: str
    """How training ended, in a few words."""


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
