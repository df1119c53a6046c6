"""Made-up clicks: 26 fields of Zipf ids, whose probability is a factorization machine's."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

FIELDS = 26
SMALLEST, LARGEST = 50, 230_000
"""Ids of a field, from the first to the last; fields between grow evenly in the logarithm."""

EXPONENT = 1.1
FACTORS = 4
TRAIN, TEST = "train.parquet", "test.parquet"
IDS, LABELS = "ids.npy", "labels.npy"
"""For rivals: rows of one table without gaps, which they need not look up; training comes first."""

_BLOCK = 65_536


@dataclass(frozen=True)
class Stream:
    """How much is made."""

    train: int
    test: int
    seed: int


@dataclass(frozen=True)
class Made:
    """What was made."""

    rows: int
    """Ids in it."""

    ideal: float
    """Test logloss of the true probabilities."""


def columns() -> list[str]:
    """Names of the columns of ids."""
    return [f"c{field:02}" for field in range(FIELDS)]


def make(stream: Stream, folder: Path) -> Made:
    """Write the stream as Parquet, and as arrays for rivals.

    Args:
        stream: How much.
        folder: Where to; it exists.

    Returns:
        What it holds.
    """
    random = np.random.default_rng(stream.seed)
    sizes = np.exp(np.linspace(np.log(SMALLEST), np.log(LARGEST), FIELDS)).astype(np.int64)
    ranks = _ranks(random, sizes, stream.train + stream.test)
    numbers = ranks + (np.cumsum(sizes) - sizes)
    chances = _probabilities(random, numbers, int(sizes.sum()))
    labels = (random.random(len(chances)) < chances).astype(np.float32)
    _write(folder, ranks, labels, stream.train)
    _, dense = np.unique(numbers, return_inverse=True)
    np.save(folder / IDS, dense.reshape(numbers.shape))
    np.save(folder / LABELS, labels)
    test, chance = labels[stream.train :], chances[stream.train :]
    ideal = -np.where(test == 1, np.log(chance), np.log1p(-chance)).mean()
    return Made(int(dense.max()) + 1, float(ideal))


def _ranks(random: np.random.Generator, sizes: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """Draw ids by how often they are used: 0 is the most frequent of its field."""
    ranks = np.empty((rows, FIELDS), np.int64)
    for field, size in enumerate(sizes):
        shares = np.cumsum(1 / np.arange(1, size + 1) ** EXPONENT)
        drawn = np.searchsorted(shares / shares[-1], random.random(rows))
        ranks[:, field] = np.minimum(drawn, size - 1)
    return ranks


def _probabilities(
    random: np.random.Generator, numbers: NDArray[np.int64], ids: int
) -> NDArray[np.float64]:
    weights = random.standard_normal(ids).astype(np.float32) * 0.35
    factors = random.standard_normal((ids, FACTORS)).astype(np.float32) * 0.12
    scores = np.empty(len(numbers))
    for start in range(0, len(numbers), _BLOCK):
        here = numbers[start : start + _BLOCK]
        vectors = factors[here]
        pairs = vectors.sum(1) ** 2 - (vectors**2).sum(1)
        scores[start : start + _BLOCK] = weights[here].sum(1) + pairs.sum(1) / 2
    centred: NDArray[np.float64] = 1 / (1 + np.exp(1.5 + scores.mean() - scores))
    return centred


def _write(folder: Path, ranks: NDArray[np.int64], labels: NDArray[np.float32], train: int) -> None:
    # Ids all over the range, as hashes are.
    ids = (ranks.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(2)).astype(np.int64)
    table = pa.table(
        {name: ids[:, field] for field, name in enumerate(columns())}
        | {"click": labels.astype(np.int8)}
    )
    parquet.write_table(table.slice(0, train), folder / TRAIN)
    parquet.write_table(table.slice(train), folder / TEST)
