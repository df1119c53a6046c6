"""Trainings of the product on Census-Income, each by a job file in a folder of its own."""

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from benchmarks import census
from benchmarks.census import TASKS, TEST, TRAIN, Census, Encoding
from isthmus.core.telemetry import Telemetry
from isthmus.jobs.load import make_plan
from isthmus.store.runs import Run

Table = Mapping[str, Any]
"""A table of a job file."""


@dataclass(frozen=True)
class Training:
    """What to train on and how."""

    table: Table
    """The table `[multitask]` without features and tasks."""

    encoding: Encoding

    seed: int
    """Of the job, of the order of the rows, and of which labels are left."""

    share: float = 1.0
    """Of the rows that keep the label of income."""

    tasks: Sequence[str] = TASKS
    part: str = TEST
    """What to score."""


@dataclass(frozen=True)
class Trained:
    """What a training was worth, and what it took."""

    auc: Mapping[str, float]
    """By task."""

    samples: int
    """Those of all batches: one that is in two queues counts twice."""

    cpu: float
    """CPU seconds of training, reading included, scoring not."""

    flushes: Mapping[str, int]
    """Batches of each queue."""


class CpuTelemetry(Telemetry):
    """Adds up CPU seconds of this process instead of wall seconds."""

    @contextmanager
    def timed(self, name: str) -> Generator[None]:
        """Add the CPU seconds of the block to `seconds[name]`."""
        began = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] += time.process_time() - began


def train(rows: Census, training: Training) -> Trained:
    """Write the files of a job, train by it in this process, and score.

    Args:
        rows: The parts.
        training: What to train.

    Returns:
        What it was worth on the part to score.
    """
    with TemporaryDirectory() as folder:
        place = Path(folder)
        write(rows, training, place)
        plan: Any = make_plan(place / "job.toml")
        (place / "run").mkdir()
        telemetry = CpuTelemetry()
        system = plan.loaded.system
        found = system.train(plan.loaded.spec, plan.data, Run(place / "run"), telemetry)
    flushes = {name: queue.flushes for name, queue in found.queues.items() if queue.flushes}
    return Trained(
        auc={task: found.metrics[f"auc_{task}"]["model"] for task in training.tasks},
        samples=sum(queue.trained for queue in found.queues.values()),
        cpu=telemetry.seconds["train"],
        flushes=flushes,
    )


def write(rows: Census, training: Training, folder: Path) -> None:
    """Write a job file and its data sets."""
    learned = rows.parts[TRAIN]
    features = census.features(learned, training.encoding)
    if training.share < 1:
        learned = census.without_labels(learned, census.INCOME, training.share, training.seed)
    census.write(census.shuffled(learned, training.seed), folder / "train.parquet")
    census.write(rows.parts[training.part], folder / "test.parquet")
    tasks = {task: {"label": task} for task in training.tasks}
    job = {
        "name": "census",
        "seed": training.seed,
        "data": {"train": "train", "test": "test"},
        "datasets": {name: {"path": f"{name}.parquet"} for name in ("train", "test")},
        "multitask": {**training.table, "features": features, "tasks": tasks, "compare_rows": 0},
    }
    (folder / "job.toml").write_bytes(msgspec.toml.encode(job))
