"""A small model, its data, and training on it with tiers of parameter servers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.core.telemetry import Telemetry
from isthmus.paramserver.engine import Engine, Plan
from isthmus.paramserver.shards.shard import Shard
from isthmus.paramserver.shards.snapshots import Snapshots
from isthmus.paramserver.spec import Server
from isthmus.paramserver.tables.dump import Dump
from isthmus.paramserver.tables.kernels.unique import unique
from isthmus.paramserver.tables.kernels.updating import update, update_dense
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.table import FeatureRule
from isthmus.paramserver.tiers import in_process
from isthmus.paramserver.tiers import loop as tiers
from isthmus.paramserver.window import (
    DEFAULT,
    Float32s,
    Gradients,
    Int32s,
    Int64s,
    Keys,
    Push,
    Window,
)

FEATURES = 3
DIMENSION = 4
SIZE = FEATURES * DIMENSION + 1
BATCH = 8
SEED = 7
JOB = "0123abcd"


@dataclass(frozen=True)
class LinearBatch:
    """Samples with one id per feature."""

    slots: Int32s
    labels: Float32s
    partly: bool
    """Whether only the second half of the dense numbers is trained."""

    @property
    def samples(self) -> int:
        return len(self.labels)


class LinearTrainer:
    """Least squares: the vectors of a sample, side by side, times the dense numbers."""

    dimension = DIMENSION
    size = SIZE

    def first(self) -> Float32s:
        return np.linspace(-1, 1, SIZE, dtype=np.float32)

    def gradients(self, batch: LinearBatch, vectors: Float32s, dense: Float32s) -> Gradients:
        inputs = vectors.reshape(batch.samples, -1)
        error = (inputs * dense[:-1]).sum(axis=1) + dense[-1] - batch.labels
        by_score = error / np.float32(batch.samples)
        return Gradients(
            (by_score[:, None] * dense[:-1]).reshape(vectors.shape),
            np.append((inputs * by_score[:, None]).sum(axis=0), by_score.sum()),
            [slice(SIZE // 2, SIZE)] if batch.partly else [slice(0, 2), slice(2, SIZE)],
            float((error * error).mean() / 2),
        )


Part = tuple[Keys, Float32s, bool]
"""The key of every slot of a batch, its labels, and whether it trains partly."""


@dataclass(frozen=True)
class Data:
    """Samples of the small model."""

    ids: Int64s
    """Shape (samples, FEATURES)."""

    labels: Float32s

    def batches(self) -> list[Part]:
        return [self.batch(start) for start in range(0, len(self.ids), BATCH)]

    def batch(self, start: int) -> Part:
        ids = self.ids[start : start + BATCH]
        features = np.tile(np.arange(FEATURES, dtype=np.uint16), len(ids))
        return Keys(features, ids.reshape(-1)), self.labels[start : start + BATCH], start % 3 == 1


def make_data(samples: int = 200, seed: int = 0) -> Data:
    """Some ids are in most batches, some in one; some samples have no id at all."""
    random = np.random.default_rng(seed)
    ids = random.zipf(1.4, (samples, FEATURES)).astype(np.int64) % 50
    ids[random.random(ids.shape) < 0.05] = DEFAULT
    return Data(ids, random.standard_normal(samples).astype(np.float32))


class LinearFeeder:
    """Windows of the data, `batches` batches each."""

    def __init__(self, data: Data, batches: int = 1) -> None:
        self.data = data
        self.batches = batches
        self.at = 0
        self.given: list[int] = []
        """Numbers of the windows that it gave."""

    def next_window(self, number: int) -> Window | None:
        parts = list[Part]()
        while self.at < len(self.data.ids) and len(parts) < self.batches:
            parts.append(self.data.batch(self.at))
            self.at += BATCH
        if not parts:
            return None
        self.given.append(number)
        return make_window(number, parts)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"at": np.array([self.at])}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.at = int(state["at"][0])


def make_window(number: int, parts: Sequence[Part]) -> Window:
    """A window of these batches."""
    keys = Keys(
        np.concatenate([keys.feature for keys, *_ in parts]),
        np.concatenate([keys.id for keys, *_ in parts]),
    )
    sample = np.arange(len(keys)) // FEATURES
    distinct, inverse, occurrences = unique(keys, FEATURES, sample)
    ends = np.cumsum([len(keys) for keys, *_ in parts])
    slots = np.split(inverse, ends[:-1])
    batches = [
        LinearBatch(each, labels, partly)
        for each, (_, labels, partly) in zip(slots, parts, strict=True)
    ]
    return Window(number, distinct, occurrences, batches)


def make_plan(
    folder: Path, server: Server, rules: Sequence[FeatureRule] = (FeatureRule(),) * FEATURES
) -> Plan:
    """The plan of a run of the small model."""
    return Plan(server, DIMENSION, SIZE, tuple(rules), SEED, folder / "cold")


@dataclass(frozen=True)
class Model:
    """All numbers of a trained model."""

    rows: dict[tuple[int, int], bytes]
    """Value and state by feature and id."""

    dense: bytes
    known: Mapping[tuple[int, int], tuple[float, ...]] | None = None
    """What tables know of keys besides, with or without a row."""


def run(
    folder: Path,
    feeder: LinearFeeder,
    server: Server,
    *,
    rules: Sequence[FeatureRule] = (FeatureRule(),) * FEATURES,
    wrap: Callable[[Engine], Engine] = lambda engine: engine,
    telemetry: Telemetry | None = None,
) -> tiers.Trained:
    """Train in this process, or go on from the snapshots in the folder."""
    plan = make_plan(folder, server, rules)
    engine = in_process.Engine(plan, LinearTrainer)
    settings = tiers.RunSettings(
        plan,
        LinearTrainer().first(),
        folder / "snapshots",
        JOB,
        metrics=lambda _: {"read": float(feeder.at)},
    )
    try:
        return tiers.train(wrap(engine), feeder, settings, telemetry or Telemetry())
    finally:
        engine.close()


def trained(
    folder: Path,
    server: Server,
    rules: Sequence[FeatureRule] = (FeatureRule(),) * FEATURES,
) -> Model:
    """The model in the last snapshot of a folder."""
    snapshots = Snapshots(folder / "snapshots", JOB)
    latest = snapshots.latest()
    assert latest is not None
    shards = []
    for number in range(server.shards):
        shards.append(Shard(make_plan(folder, server, rules), number))
        shards[-1].begin(LinearTrainer().first(), snapshots.chain(latest))
    model = model_of(shards)
    for shard in shards:
        shard.close()
    return model


def model_of(shards: Sequence[Shard]) -> Model:
    """The model in these shards."""
    dumps = [shard.table.dump() for shard in shards]
    dense = np.concatenate([shard.dense for shard in shards], axis=1)
    return Model(
        {key: row for dump in dumps for key, row in rows_of(dump).items()},
        dense.tobytes(),
        {key: facts for dump in dumps for key, facts in known_of(dump).items()},
    )


def rows_of(dump: Dump) -> dict[tuple[int, int], bytes]:
    """The rows of a dump by feature and id."""
    return {
        key: row.tobytes() for key, row in zip(names_of(dump.seen.keys), dump.rows, strict=True)
    }


def known_of(dump: Dump) -> dict[tuple[int, int], tuple[float, ...]]:
    """Counts and the like of a dump by feature and id."""
    return {
        key: tuple(values)
        for seen in (dump.seen, dump.waiting)
        for key, *values in zip(
            names_of(seen.keys),
            seen.counts.tolist(),
            seen.scores.tolist(),
            seen.last.tolist(),
            seen.changed.tolist(),
            strict=True,
        )
    }


def names_of(keys: Keys) -> list[tuple[int, int]]:
    """Feature and id of each key."""
    return list(zip(keys.feature.tolist(), keys.id.tolist(), strict=True))


def plain(data: Data, server: Server) -> Model:
    """The model by plain synchronous training: one table, updated after every batch."""
    layout = Layout(DIMENSION, server.rows)
    dense_layout = Layout(1, server.dense)
    trainer = LinearTrainer()
    every = [keys for keys, *_ in data.batches()]
    names = sorted(
        {(feature, DEFAULT) for feature in range(FEATURES)}
        | {name for keys in every for name in names_of(keys)}
    )
    place = {name: at for at, name in enumerate(names)}
    keys = Keys(
        np.array([feature for feature, _ in names], np.uint16),
        np.array([identity for _, identity in names], np.int64),
    )
    table = layout.first(keys, SEED)
    dense = np.ascontiguousarray(dense_layout.begin(trainer.first()[:, None]).T)
    for keys, labels, partly in data.batches():
        slots = np.array([place[name] for name in names_of(keys)], np.int32)
        batch = LinearBatch(slots, labels, partly)
        gradients = trainer.gradients(batch, table[slots, :DIMENSION], dense[0])
        update(table, slots, gradients.vectors, layout.rule)
        update_dense(dense, gradients.dense, gradients.trained, dense_layout.rule)
    return Model(
        {name: row.tobytes() for name, row in zip(names, table, strict=True)}, dense.tobytes()
    )


def same(one: Model, other: Model) -> bool:
    """Whether all values and state are the same, bit for bit."""
    return one.rows == other.rows and one.dense == other.dense


def make_push(
    window: int,
    names: Sequence[tuple[int, int]],
    rows: Sequence[Sequence[float]],
    dense: Float32s,
    *,
    trained: Sequence[bool] | None = None,
    relative: bool = False,
) -> Push:
    """A push of these rows."""
    return Push(
        window,
        Keys(
            np.array([feature for feature, _ in names], np.uint16),
            np.array([identity for _, identity in names], np.int64),
        ),
        np.array(rows, np.float32),
        dense,
        np.ones(dense.shape[1], np.bool_) if trained is None else np.array(trained),
        relative,
    )
