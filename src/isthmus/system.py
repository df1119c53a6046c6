"""What a system is to the kernel: a module with these functions, named by a row of the registry.

Systems over aligned columns add what `vertical/system.py` says, those in rounds what
`horizontal/system.py` says; those of one organisation add what follows here.
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
    """What every system offers."""

    def check(self, spec: Any, /) -> None:
        """Raise a SpecError where this machine cannot run what the job asks for."""


@dataclass(frozen=True)
class LocalInputs:
    """What a job of one organisation says of its data, and where paths start."""

    folder: Path
    """Folder of the job file: paths in it are seen from here."""

    train: Dataset | None
    test: Dataset | None
    test_share: float
    normalise: Sequence[Normalisation]
    """What is done to the identifiers of rows, if they have any."""

    seed: int
    job: str
    """Digest of the job."""


class LocalOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of training at one organisation; its model is in the run folder by then."""

    metrics: Metrics
    rows: dict[str, int]
    """How many were trained on (`train`) and scored (`test`)."""

    columns: int
    ending: str
    """How training ended, in a few words."""


@runtime_checkable
class LocalSystem(System, Protocol):
    """A system of one organisation: no peers, nothing leaves."""

    def load(self, spec: Any, inputs: LocalInputs, /) -> Any:
        """Read and check the data; raise a SpecError where they do not fit the job."""

    def facts(self, spec: Any, data: Any, /) -> Mapping[str, object]:
        """Returns what `isthmus check` shows of the data, by name."""
        ...

    def train(self, spec: Any, data: Any, run: Run, telemetry: Telemetry, /) -> LocalOutcome:
        """Train, score, and leave the model in the run folder."""
        ...

    def page(self, run: Run, shown: Mapping[str, Any], outcome: LocalOutcome, /) -> str:
        """Returns the report as HTML; `shown` are the fields of a `Page` that every run has."""
        ...
