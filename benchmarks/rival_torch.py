"""Trains the model of `tiers_run` with PyTorch alone: `python -m benchmarks.rival_torch FOLDER`.

Rows are found already: the ids of the arrays are numbers of rows of one table without gaps. What
comes as JSON on standard input is `Asked`; the result goes as JSON to standard output.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

BATCH = 1024
DIMENSION = 16
FIELDS = 26
ROWS_RATE, DENSE_RATE, FIRST, ACCUMULATED = 0.05, 1e-3, 0.01, 1e-4
WARM = 8
"""Batches before the clock starts; they train too."""


class Asked(NamedTuple):
    """What a rival is asked for."""

    kind: str
    train: int
    """Samples; the rest of the arrays is the test."""

    threads: int
    batches: int
    """Batches that are trained on, all if there are fewer."""

    seed: int

    rows: int = 0
    """Of the table; 0: as many as there are ids in the stream."""


class Network(nn.Module):
    """Layers and a factorization machine; the last number of a row is its first-order weight."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(FIELDS * DIMENSION, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Linear(64, 1),
        )
        self.interactions = nn.Linear(DIMENSION + 1, 1, bias=False)
        nn.init.ones_(self.interactions.weight)

    def forward(self, rows: Tensor) -> Tensor:
        """From rows, shape (batch, fields, dimension + 1), to logits, shape (batch,)."""
        vectors, weights = rows[..., :DIMENSION], rows[..., DIMENSION]
        pairs = (vectors.sum(1).square() - vectors.square().sum(1)) / 2
        terms = torch.cat([pairs, weights.sum(1, keepdim=True)], dim=1)
        logits: Tensor = self.layers(vectors.flatten(1)) + self.interactions(terms)
        return logits[:, 0]


Rows = Callable[[Tensor], Tensor]


class Table(NamedTuple):
    """The rows of all ids, and what updates them."""

    look_up: Rows
    """From ids, shape (batch, fields), to rows."""

    optimizer: Any
    """None if the backward pass updates."""


def embedded(kind: str, rows: int) -> Table:
    """A table of PyTorch with one of its optimizers."""
    table = nn.Embedding(rows, DIMENSION + 1, sparse=kind == "sparse")
    nn.init.uniform_(table.weight, -FIRST, FIRST)
    if kind == "sparse":
        made: Any = torch.optim.Adagrad(
            table.parameters(), ROWS_RATE, initial_accumulator_value=ACCUMULATED
        )
    else:
        made = torch.optim.Adam(table.parameters(), DENSE_RATE, fused=True)
    return Table(table, made)


def train(asked: Asked, folder: Path, make: Callable[[str, int], Table]) -> dict[str, float]:
    """Train on the arrays in a folder.

    Args:
        asked: What is asked for.
        folder: Has the arrays of `clicks`.
        make: Makes the table of so many rows.

    Returns:
        Samples per second, and the test logloss if it trained on all batches.
    """
    torch.set_num_threads(asked.threads)
    torch.manual_seed(asked.seed)
    ids = torch.from_numpy(np.load(folder / "ids.npy"))
    labels = torch.from_numpy(np.load(folder / "labels.npy"))
    rows = int(ids.max()) + 1
    if asked.rows:  # the ids of a vocabulary that occur lie all over it
        ids, rows = ids * (asked.rows // rows), asked.rows
    table, network = make(asked.kind, rows), Network()
    dense = torch.optim.Adam(network.parameters(), DENSE_RATE)
    optimizers = [dense, *([table.optimizer] if table.optimizer else [])]
    batches = min(asked.batches, asked.train // BATCH)
    began = cpu = 0.0
    for batch in range(batches):
        if batch == WARM:
            began, cpu = time.perf_counter(), time.process_time()
        here = slice(batch * BATCH, (batch + 1) * BATCH)
        _step(network, table, optimizers, (ids[here], labels[here]))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    samples = (batches - WARM) * BATCH
    found = {"samples_per_s": samples / seconds, "samples_per_cpu_s": samples / cpu}
    if batches == asked.train // BATCH:
        found["logloss"] = _tested(network, table, ids[asked.train :], labels[asked.train :])
    return found


def _step(
    network: Network, table: Table, optimizers: Sequence[Any], batch: tuple[Tensor, Tensor]
) -> None:
    ids, labels = batch
    for each in optimizers:
        each.zero_grad(set_to_none=True)
    logits = network(table.look_up(ids))
    loss: Any = functional.binary_cross_entropy_with_logits(logits, labels)
    loss.backward()
    for each in optimizers:
        each.step()


def _tested(network: Network, table: Table, ids: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        starts = range(0, len(ids), BATCH)
        blocks = [network(table.look_up(ids[start : start + BATCH])) for start in starts]
    loss = functional.binary_cross_entropy_with_logits(torch.cat(blocks).double(), labels.double())
    return float(loss)


def main(make: Callable[[str, int], Table]) -> None:
    asked = Asked(**json.load(sys.stdin))
    print(json.dumps(train(asked, Path(sys.argv[1]), make)))


if __name__ == "__main__":
    main(embedded)
