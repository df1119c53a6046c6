"""Looks up rows by key with pandas, without our package: `python -m benchmarks.rival_pandas KEYS`.

Prints a line of JSON. The keys, the batches and the clock are here, for all that are compared.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH = 17
BATCH = 100_000
BATCHES = 20


def ids(count: int) -> NDArray[np.int64]:
    """Distinct ids all over the range."""
    spread = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (spread & np.uint64(2**62 - 1)).astype(np.int64)


def batches(held: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Batches of ids, drawn evenly."""
    random = np.random.default_rng(0)
    for _ in range(BATCHES):
        yield held[random.integers(0, len(held), BATCH)]


def speed(look_up: Callable[[NDArray[np.int64]], object], held: NDArray[np.int64]) -> float:
    """Ids per CPU second, in the median batch."""
    seconds = []
    for some in batches(held):
        began = time.process_time()
        look_up(some)
        seconds.append(time.process_time() - began)
    return BATCH / statistics.median(seconds)


def speeds(
    find: Callable[[NDArray[np.int64]], Any],
    take: Callable[[Any], object],
    held: NDArray[np.int64],
) -> dict[str, float]:
    """Speeds of finding positions, and of finding them and taking their rows."""
    return {
        "keys_per_s": speed(find, held),
        "rows_per_s": speed(lambda some: take(find(some)), held),
    }


def zipf(rows: int, count: int, steps: int) -> list[NDArray[np.int64]]:
    """Batches of ids of which few are used often."""
    random = np.random.default_rng(0)
    shares = np.cumsum(1 / np.arange(1, rows + 1) ** 1.05)
    order = random.permutation(rows)
    drawn = (np.searchsorted(shares / shares[-1], random.random(count)) for _ in range(steps))
    return [order[np.minimum(each, rows - 1)] for each in drawn]


def gradient(count: int) -> NDArray[np.float32]:
    """A gradient for each id of a batch."""
    drawn = np.random.default_rng(1).normal(size=(count, WIDTH - 1))
    return (drawn * 1e-3).astype(np.float32)


def ids_per_s(step: Callable[[NDArray[np.int64]], object], drawn: list[NDArray[np.int64]]) -> float:
    """Ids per CPU second of a training step, in the median batch; the first two warm up."""
    seconds = []
    for some in drawn:
        began = time.process_time()
        step(some)
        seconds.append(time.process_time() - began)
    return len(drawn[0]) / statistics.median(seconds[2:])


def main(count: int) -> dict[str, float]:
    """Measure an index of pandas, and rows of an array by its positions."""
    import pandas as pd  # noqa: PLC0415 - ours use this file too, without pandas

    held = ids(count)
    index = pd.Index(held)
    index.get_indexer(held[:1])  # makes its hash table
    values = np.ones((count, WIDTH), np.float32)
    return speeds(index.get_indexer, lambda found: values[found], held)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
