"""Trains several tasks from sparse features at one organisation, on a tiered parameter server."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from isthmus.core.telemetry import Telemetry
from isthmus.data.spec import Dataset
from isthmus.multitask.spec import Multitask
from isthmus.store.runs import Run
from isthmus.system import Exported, LocalInputs, LocalOutcome, Predicted


def check(_spec: Multitask) -> None:
    """Do nothing yet."""


def datasets(spec: Multitask) -> Sequence[str]:
    """Returns the names of the data sets of conversions."""
    tasks = spec.tasks.values()
    return [task.conversions.dataset for task in tasks if task.conversions is not None]


def load(_spec: Multitask, _inputs: LocalInputs) -> Any:
    """Is to read and check the data."""
    raise NotImplementedError


def facts(_spec: Multitask, _data: Any) -> Mapping[str, object]:
    """Is to forecast rows, bytes and traffic."""
    raise NotImplementedError


def train(_spec: Multitask, _data: Any, _run: Run, _telemetry: Telemetry) -> LocalOutcome:
    """Is to train and score."""
    raise NotImplementedError


def page(_run: Run, _shown: Mapping[str, Any], _outcome: LocalOutcome) -> str:
    """Is to draw the report."""
    raise NotImplementedError


def predict(_spec: Multitask, _rows: Dataset, _run: Run, _out: IO[bytes]) -> Predicted:
    """Is to score rows."""
    raise NotImplementedError


def export(_spec: Multitask, _run: Run, _into: Path, _since: int | None) -> Exported:
    """Is to export the model."""
    raise NotImplementedError
