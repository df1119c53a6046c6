"""Small data sets of clicks and conversions as files, for tests of the feed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from isthmus.data.spec import Dataset
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.samples import Samples
from isthmus.multitask.spec import (
    Amount,
    Conversions,
    Feature,
    Hashed,
    Identifier,
    Multitask,
    Queues,
    Task,
)
from isthmus.paramserver.spec import Server
from isthmus.paramserver.window import Window

HOUR = 3600.0


def inputs(folder: Path, columns: Mapping[str, Any], **keys: Any) -> Inputs:
    """Write samples, and conversions as `key` and `time` if there are `converted` ones.

    Args:
        folder: Where to.
        columns: Of the samples.
        **keys: `converted`: pairs of key and time; the others are keys of `Inputs`.

    Returns:
        What a feeder reads.
    """
    parquet.write_table(pa.table(dict(columns)), folder / "samples.parquet")
    converted = keys.pop("converted", None)
    if converted is not None:
        key, time = [key for key, _ in converted], [time for _, time in converted]
        parquet.write_table(pa.table({"key": key, "time": time}), folder / "bought.parquet")
        keys["conversions"] = {"bought": Dataset(path="bought.parquet")}
    return Inputs(Dataset(path="samples.parquet"), folder, **{"seed": 7} | keys)


def spec(exchange_every: int = 1, **keys: Any) -> Multitask:
    """A job with one feature of ids, and batches of one sample if nothing else is said."""
    defaults: dict[str, Any] = {
        "features": {"ad": Identifier()},
        "tasks": {"ctr": Task(label="click")},
        "batch_rows": 1,
        "server": Server(exchange_every=exchange_every),
    }
    return Multitask(**defaults | keys)


def buying(until_then: str = "wait", hours: float = 1.0, **keys: Any) -> Task:
    """The task of conversions."""
    late = Conversions(
        dataset="bought",
        key="key",
        time="time",
        within_hours=hours,
        until_then=until_then,  # type: ignore[arg-type]
    )
    return Task(label="buy", conversions=late, **keys)


FEATURES: dict[str, Feature] = {
    "ad": Identifier(),
    "word": Hashed(),
    "topics": Hashed(many="mean"),
    "price": Amount(scale="log"),
}


def random_columns(rows: int, seed: int, **missing: float) -> dict[str, Any]:
    """Columns of `FEATURES`, of labels click and like, of key and of a rising time.

    Args:
        rows: How many.
        seed: Decides their values.
        **missing: Share of empty cells, by label.

    Returns:
        Values by column.
    """
    random = np.random.default_rng(seed)
    found: dict[str, Any] = {
        "ad": random.zipf(1.5, rows).clip(0, 999),
        "word": [f"word {n}" for n in random.integers(30, size=rows)],
        "topics": [[f"t{n}" for n in range(m)] or None for m in random.integers(4, size=rows)],
        "price": random.exponential(30, rows),
        "key": [f"show {n}" for n in range(rows)],
        "time": np.sort(random.uniform(0, rows * 10, rows)),
    }
    for label, share in {"click": 0.3, "like": 0.2}.items():
        values = (random.random(rows) < share).astype(float)
        empty = random.random(rows) < missing.get(label, 0.0)
        found[label] = [None if no else value for value, no in zip(values, empty, strict=True)]
    return found


def random_conversions(columns: Mapping[str, Any], seed: int) -> list[tuple[str, float]]:
    """Conversions of a third of the samples, minutes to hours later, and some of nobody."""
    random = np.random.default_rng(seed)
    keys, times = np.array(columns["key"]), np.array(columns["time"])
    chosen = random.random(len(keys)) < 1 / 3
    late = times[chosen] + random.exponential(HOUR, chosen.sum())
    pairs = [*zip(keys[chosen].tolist(), late.tolist(), strict=True), ("nobody", 1.0)]
    return sorted(pairs, key=lambda pair: pair[1])


def labels_of(windows: Sequence[Window]) -> list[list[float]]:
    """Labels of every sample of windows in order; -1 for a missing one."""
    rows = [batch.labels for window in windows for batch in window.batches]
    found: list[list[float]] = np.nan_to_num(np.concatenate(rows), nan=-1).tolist()
    return found


def same(first: Samples, second: Samples) -> bool:
    """Whether samples are equal, bit by bit."""
    pairs: list[tuple[Any, Any]] = [
        (first.ids, second.ids),
        (first.numbers, second.numbers),
        (first.labels, second.labels),
        (first.weights, second.weights),
        (first.position, second.position),
    ]
    for one, other in zip(first.lists, second.lists, strict=True):
        pairs += [(one.ids, other.ids), (one.lengths, other.lengths)]
    return all(np.array_equal(one, other, equal_nan=one.dtype.kind == "f") for one, other in pairs)


def queues(**keys: Any) -> Queues:
    """The table of queues."""
    return Queues(**keys)
