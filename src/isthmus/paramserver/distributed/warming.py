"""All kernels of a run, compiled before its processes start, which find them in the cache."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from isthmus.core.telemetry import Telemetry
from isthmus.paramserver.engine import Plan
from isthmus.paramserver.shards.snapshots import Snapshots
from isthmus.paramserver.tables.kernels.unique import unique
from isthmus.paramserver.tiers import in_process, loop
from isthmus.paramserver.window import Float32s, Gradients, Int32s, Keys, Window

_JOB = "warming"


def compile_kernels(plan: Plan) -> None:
    """Train on a window of one sample, and go on from a snapshot.

    Args:
        plan: Of the run; nothing is written to its folders.
    """
    shards, workers = (min(2, number) for number in (plan.server.shards, plan.server.workers))
    server = replace(plan.server, shards=shards, workers=workers, memory=None)
    trainer = _Trainer(plan)
    with TemporaryDirectory(prefix="isthmus-") as name:
        folder = Path(name)
        small = dataclasses.replace(plan, server=server, spill=folder / "cold")
        engine = in_process.Engine(small, lambda: trainer)
        try:
            settings = loop.RunSettings(small, trainer.first(), folder / "snapshots", _JOB)
            loop.train(engine, _Feeder(len(plan.rules)), settings, Telemetry())
            snapshots = Snapshots(settings.folder, _JOB)
            if latest := snapshots.latest():
                engine.result(engine.begin(0, trainer.first(), snapshots.chain(latest)))
        finally:
            engine.close()


@dataclass(frozen=True)
class _Batch:
    slots: Int32s
    samples: int = 1


class _Trainer:
    """Its gradients are 0."""

    def __init__(self, plan: Plan) -> None:
        self.dimension = plan.dimension
        self.size = plan.size

    def first(self) -> Float32s:
        return np.zeros(self.size, np.float32)

    def gradients(self, batch: Any, vectors: Float32s, dense: Float32s) -> Gradients:
        del batch
        return Gradients(np.zeros_like(vectors), np.zeros_like(dense), [slice(0, self.size)], 0.0)


class _Feeder:
    """Windows of one sample with an id for each feature."""

    def __init__(self, features: int) -> None:
        self._features = features

    def next_window(self, number: int) -> Window | None:
        if number > 3:  # noqa: PLR2004 - two rounds
            return None
        features = np.arange(self._features, dtype=np.uint16)
        ids = Keys(features, features.astype(np.int64))
        keys, slots, occurrences = unique(ids, self._features, np.zeros(self._features, np.int64))
        return Window(number, keys, occurrences, [_Batch(slots)])

    def state(self) -> Mapping[str, NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        del state
