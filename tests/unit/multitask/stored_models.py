"""A small model with rows that come and go, as a run leaves it behind, and rows to score."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from isthmus.multitask import model_file
from isthmus.multitask.feed.features import Encoder
from isthmus.multitask.feed.windows import WindowMaker
from isthmus.multitask.network.trainer import Description, TorchTrainer
from isthmus.multitask.samples import ALL, Samples
from isthmus.multitask.spec import (
    Amount,
    Bucketed,
    Feature,
    Hashed,
    Identifier,
    Multitask,
    Task,
    Vocabulary,
)
from isthmus.paramserver.engine import StoredArray
from isthmus.paramserver.shards.placement import part
from isthmus.paramserver.shards.shard_state import ShardState, write_state
from isthmus.paramserver.shards.snapshots import Manifest, Progress, Snapshots
from isthmus.paramserver.spec import Adagrad
from isthmus.paramserver.tables.kernels.hashing import shard_of
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.table import FeatureRule, Table

FEATURES: dict[str, Feature] = {
    "user": Identifier(),
    "price": Amount(scale="log", mean=1.5, deviation=2.0, missing=3.0),
    "tags": Hashed(many="mean"),
    "topic": Hashed(buckets=50),
    "device": Vocabulary(values=("phone", "tablet")),
    "places": Identifier(many="sum"),
    "hour": Bucketed(boundaries=(6.0, 12.0)),
}
TASKS = {"click": Task(label="click"), "buy": Task(label="buy", given="click")}


def spec_of(**keys: object) -> Multitask:
    """Returns a small job."""
    settings = {"dimension": 3, "hidden": (4,), "tower": (2,)} | keys
    return Multitask(features=FEATURES, tasks=TASKS, **settings)  # type: ignore[arg-type]


def rows(count: int, users: int) -> Any:
    """Returns an Arrow table of rows, some cells of which are empty."""
    generator = np.random.default_rng(count)

    def some(values: list[Any]) -> list[Any]:
        return [values[it] for it in generator.integers(0, len(values), count)]

    return pa.table(
        {
            "user": some([*range(users), None]),
            "price": some([0.0, -2.5, 11.25, None]),
            "tags": pa.array(
                some([["a", "bü"], [], None, ["c", None, "a"]]), pa.list_(pa.string())
            ),
            "topic": some(["art", "war", "", None]),
            "device": some(["phone", "tablet", "fridge", None]),
            "places": some(["3|4|3", "", None, "17"]),
            "hour": some([0.0, 6.0, 11.9, 23.0, None]),
        }
    )


def write_rows(path: Path, count: int, users: int) -> Any:
    """Write such rows to a Parquet file, and return them."""
    table = rows(count, users)
    parquet.write_table(table, path)
    return table


def samples_of(spec: Multitask, table: Any) -> Samples:
    """Encode rows."""
    batch = table.combine_chunks().to_batches()[0]
    return Encoder(spec, labelled=False).encode(batch, 0, "rows")


def snapshots(folder: Path, spec: Multitask, shards: int = 2, versions: int = 3) -> list[Path]:
    """Write a whole snapshot and some of changes; ids of the first are gone in the last."""
    description = Description(spec, 3)
    trainer = TorchTrainer(description)
    rules = [FeatureRule(evict_after=5)] * len(FEATURES)
    layout = Layout(trainer.dimension, Adagrad())
    tables = [Table(layout, rules, seed=3) for _ in range(shards)]
    generator = np.random.default_rng(4)
    found = Snapshots(folder, "job")
    dense = trainer.first()
    for version in range(1, versions + 1):
        clock = 10 * version
        samples = samples_of(spec, rows(20, users=8 * version))
        keys = WindowMaker(spec).make(0, [(ALL, samples)]).keys
        used = keys.take(np.arange(2, len(keys) - 3))
        dense = dense + generator.normal(0, 0.1, dense.shape).astype(np.float32)
        files = dict[str, StoredArray]()
        rows_of_all = generator.normal(size=(len(used), layout.width)).astype(np.float32)
        with found.new(version) as new:
            for number, table in enumerate(tables):
                here = shard_of(used, shards) == number
                keys = used.take(here)
                table.pull(keys, np.ones(len(keys), np.int32), clock, version)
                table.push(keys, rows_of_all[here], clock, version)
                table.evict(clock, version)
                state = ShardState(
                    table.dump(None if version == 1 else version - 1),
                    np.zeros(1, np.int64),
                    1,
                )
                here = part(len(dense), shards, number)
                files |= write_state(new, number, state, np.stack([dense, dense])[:, here])
            manifest = Manifest(
                job="job", version=version, whole=1, shards=shards, progress=Progress(), files={}
            )
            found.finish(new, manifest, files)
    return [found.at(version) for version in range(1, versions + 1)]


def stored(folder: Path, spec: Multitask, versions: int = 3, shards: int = 2) -> Path:
    """Store the model of such a run, and return its folder."""
    chain = snapshots(folder / f"snapshots-{versions}-{shards}", spec, shards, versions)
    model = folder / f"model-{versions}-{shards}"
    model_file.save(model, Description(spec, 3), chain)
    return model


def tables_of(model: model_file.Model) -> dict[tuple[int, int], list[float]]:
    """Returns all rows of a model by feature and id."""
    return {
        (int(feature), int(identity)): cast(list[float], values.tolist())
        for each in model.parts
        for feature, identity, values in zip(
            each.keys.feature, each.keys.id, each.values, strict=True
        )
    }
