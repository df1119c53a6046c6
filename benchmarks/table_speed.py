"""One process that looks up rows by key: `python -m benchmarks.table_speed WHO KEYS`.

Prints a line of JSON. WHO is `table`, `index`, `torch`, `pyarrow` or `kernels`.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import torch

from benchmarks import rival_pandas as asked
from isthmus.paramserver.spec import RowwiseAdagrad
from isthmus.paramserver.tables.kernels.updating import gather, update
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.records import Records
from isthmus.paramserver.tables.table import FeatureRule, Table
from isthmus.paramserver.window import Float32s, Int64s, Keys

LAYOUT = Layout(16, RowwiseAdagrad())
SEGMENT = 16 * 2**20
IDS = 100_000
ROWS = 1_000_000
STEPS = 12

pc: Any = pyarrow.compute  # its functions are made at import


def keys(ids: Int64s) -> Keys:
    """Keys of the first feature."""
    return Keys(np.zeros(len(ids), np.uint16), ids)


def table(count: int) -> dict[str, Any]:
    """Grow a table window by window, then read rows of all keys at random."""
    found = _grown(count)
    values = np.ones((count, LAYOUT.width), np.float32)
    out = np.empty((asked.BATCH, LAYOUT.width), np.float32)

    def take(positions: Int64s) -> None:
        np.take(values, positions, 0, out=out, mode="clip")

    return found | {"limit": asked.speed(take, np.arange(count))}


def _grown(count: int) -> dict[str, Any]:
    window = min(count // 100, 100_000)
    ids = asked.ids(count)
    _warm()
    before = _resident()
    grown = Table(LAYOUT, [FeatureRule()], 1)
    seconds: list[float] = []
    for start in range(0, count, window):
        some = keys(ids[start : start + window])
        began = time.process_time()
        rows, _ = grown.pull(some, np.ones(len(some), np.int32), start, 0)
        grown.push(some, rows, start, 0)
        seconds.append(time.process_time() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "rows_per_s": asked.speed(lambda some: grown.read(keys(some)), ids),
        "memory": (peak - before) / (count * LAYOUT.width * 4),
        "told": grown.bytes / (count * LAYOUT.width * 4),
        "slowest": max(seconds) / statistics.median(seconds),
        "window": window,
        "exchange_s": statistics.median(seconds),
        "made_per_s": count / sum(seconds),
    }


def index(count: int) -> dict[str, Any]:
    """Numbers of records, without their rows."""
    ids = asked.ids(count)
    records = Records(LAYOUT.width, SEGMENT, None, scored=False)
    for start in range(0, count, 100_000):
        records.make(keys(ids[start : start + 100_000]))
    return {"keys_per_s": asked.speed(lambda some: records.find(keys(some)), ids)}


def torch_(count: int) -> dict[str, Any]:
    """Binary search in sorted keys."""
    torch.set_num_threads(1)
    ids = asked.ids(count)
    held, _ = torch.sort(torch.from_numpy(ids))
    values = torch.ones(count, LAYOUT.width)
    return asked.speeds(
        lambda some: torch.searchsorted(held, torch.from_numpy(some)),
        lambda found: values[found],
        ids,
    )


def pyarrow_(count: int) -> dict[str, Any]:
    """A hash table that every call makes anew: so all batches are one call."""
    pa.set_cpu_count(1)
    ids = asked.ids(count)
    held = pa.array(ids)
    values = np.ones((count, LAYOUT.width), np.float32)
    some = np.concatenate(list(asked.batches(ids)))
    began = time.process_time()
    found = pc.index_in(pa.array(some), value_set=held).to_numpy()
    numbers = time.process_time() - began
    for start in range(0, len(some), asked.BATCH):
        values[found[start : start + asked.BATCH]]
    rows = time.process_time() - began
    return {"keys_per_s": len(some) / numbers, "rows_per_s": len(some) / rows}


def kernels(_count: int) -> dict[str, Any]:
    """Ids per CPU second: gather and update, once a batch, row-wise Adagrad."""
    torch.set_num_threads(1)
    batches = asked.zipf(ROWS, IDS, STEPS)
    gradient = asked.gradient(IDS)
    return {
        "numba": _steps(_ours(gradient), batches),
        "torch unique + index_add": _steps(_by_hand(gradient), batches),
        "torch EmbeddingBag + Adagrad": _steps(_embedding_bag(gradient), batches),
        "distinct": sum(len(np.unique(batch)) for batch in batches) / len(batches),
    }


def _steps(step: Callable[[Int64s], object], batches: list[Int64s]) -> float:
    return asked.ids_per_s(step, batches)


def _ours(gradient: Float32s) -> Callable[[Int64s], object]:
    rows = LAYOUT.first(keys(np.arange(ROWS)), 1)

    def step(ids: Int64s) -> None:
        slots = ids.astype(np.int32)
        gather(rows, slots, LAYOUT.dimension)
        update(rows, slots, gradient, LAYOUT.rule)

    return step


def _by_hand(gradient: Float32s) -> Callable[[Int64s], object]:
    values, sums = torch.zeros(ROWS, LAYOUT.dimension), torch.full((ROWS,), 1e-4)
    change = torch.from_numpy(gradient)

    def step(ids: Int64s) -> None:
        used = torch.from_numpy(ids)
        torch.nn.functional.embedding(used, values)
        distinct, inverse = torch.unique(used, return_inverse=True)
        total = torch.zeros(len(distinct), LAYOUT.dimension).index_add_(0, inverse, change)
        squares = sums[distinct] + total.pow(2).mean(1)
        sums[distinct] = squares
        values.index_add_(0, distinct, total * (-0.05 / squares.sqrt())[:, None])

    return step


def _embedding_bag(gradient: Float32s) -> Callable[[Int64s], object]:
    bag = torch.nn.EmbeddingBag(ROWS, LAYOUT.dimension, mode="sum", sparse=True)
    optimizer = torch.optim.Adagrad(bag.parameters(), 0.05)
    change = torch.from_numpy(gradient)

    def step(ids: Int64s) -> None:
        optimizer.zero_grad(set_to_none=True)
        bag(torch.from_numpy(ids)[:, None]).backward(change)
        optimizer.step()

    return step


def _warm() -> None:
    """Compile before anything is measured."""
    small = Table(LAYOUT, [FeatureRule()], 1)
    some = keys(np.arange(20_000))
    for _ in range(2):
        rows, _ = small.pull(some, np.ones(len(some), np.int32), 0, 0)
        small.push(some, rows, 0, 0)
    small.read(some)


def _resident() -> int:
    with open("/proc/self/statm") as facts:  # noqa: PTH123 - no file of ours
        return int(facts.read().split()[1]) * resource.getpagesize()


PROGRAMS: dict[str, Callable[[int], dict[str, Any]]] = {
    "table": table,
    "index": index,
    "torch": torch_,
    "pyarrow": pyarrow_,
    "kernels": kernels,
}

if __name__ == "__main__":
    print(json.dumps(PROGRAMS[sys.argv[1]](int(sys.argv[2]))))
