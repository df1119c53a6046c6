"""Trains the model of `tiers_run` with Paddle's parameter server on the processor.

`python -m benchmarks.rival_paddle FOLDER MODE SAMPLES` is one of three processes, a server and two
trainers; the environment says which (`PADDLE_...`). MODE is "async", where every batch crosses, or
"geo", where the changes of 16 do; that takes SGD. A trainer prints a line of JSON.
"""

import json
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

BATCH, DIMENSION, FIELDS, FIRST = 1024, 16, 26, 0.01
GEO_BATCHES = 16
SGD_RATE, ADAM_RATE = 0.05, 1e-3
WARM = 8
TRAINERS = 2

paddle: Any = import_module("paddle")
fleet: Any = import_module("paddle.distributed.fleet")


class Graph:
    """What is computed: the loss, and the logits."""

    def __init__(self, mode: str, rows: int) -> None:
        static = paddle.static
        self.ids = static.data("ids", [None, FIELDS], "int64")
        self.labels = static.data("labels", [None, 1], "float32")
        vectors = _vectors(mode, paddle.reshape(self.ids, [-1, 1]), rows)
        layer = paddle.reshape(vectors, [-1, FIELDS * DIMENSION])
        for units in (128, 64):
            layer = static.nn.fc(layer, units, activation="relu")
        total = paddle.sum(vectors, axis=1)
        squares = paddle.sum(paddle.sum(vectors * vectors, axis=1), axis=1, keepdim=True)
        pairs = (paddle.sum(total * total, axis=1, keepdim=True) - squares) / 2
        first = static.nn.fc(total, 1, bias_attr=False)
        self.logits = static.nn.fc(layer, 1) + pairs + first
        cross_entropy = paddle.nn.functional.binary_cross_entropy_with_logits
        self.loss = paddle.mean(cross_entropy(self.logits, self.labels))


def _vectors(mode: str, ids: Any, rows: int) -> Any:
    nn = paddle.static.nn
    given = paddle.ParamAttr(name="rows", initializer=paddle.nn.initializer.Uniform(-FIRST, FIRST))
    if mode == "geo":
        found = nn.embedding(ids, size=[rows, DIMENSION], is_sparse=True, param_attr=given)
    else:
        found = nn.sparse_embedding(ids, size=[rows, DIMENSION], param_attr=given)
    return paddle.reshape(found, [-1, FIELDS, DIMENSION])


def main(folder: Path, mode: str, samples: int) -> None:
    paddle.enable_static()
    # What it writes of its settings takes a part of protobuf that is not there.
    fleet.DistributedStrategy.__repr__ = lambda _: "settings"
    fleet.init(fleet.PaddleCloudRoleMaker())
    ids = np.load(folder / "ids.npy", mmap_mode="r")
    graph = Graph(mode, int(ids.max()) + 1)
    settings = fleet.DistributedStrategy()
    settings.a_sync = True
    if mode == "geo":
        settings.a_sync_configs = {"k_steps": GEO_BATCHES}
        made = paddle.optimizer.SGD(SGD_RATE)
    else:
        made = paddle.optimizer.Adam(ADAM_RATE, lazy_mode=True)
    fleet.distributed_optimizer(made, settings).minimize(graph.loss)
    if fleet.is_server():
        fleet.init_server()
        fleet.run_server()
    else:
        print(json.dumps(_train(graph, folder, samples)), flush=True)


def _train(graph: Graph, folder: Path, samples: int) -> dict[str, float]:
    executor = paddle.static.Executor(paddle.CPUPlace())
    executor.run(paddle.static.default_startup_program())
    fleet.init_worker()
    number = fleet.worker_index()
    done, began = 0, 0.0
    for done, batch in enumerate(_batches(folder, range(number, samples // BATCH, TRAINERS))):
        if done == WARM:
            began = time.perf_counter()
        executor.run(feed=batch, fetch_list=[graph.loss])
    seconds = time.perf_counter() - began
    found = {"samples_per_s": (done + 1 - WARM) * BATCH / seconds}
    if number == 0:  # the graph of training alone finds rows at the server
        labels = len(np.load(folder / "labels.npy", mmap_mode="r"))
        tests = range(samples // BATCH, labels // BATCH)
        losses = [
            executor.run(feed=batch, fetch_list=[graph.loss])[0]
            for batch in _batches(folder, tests)
        ]
        found["logloss"] = float(np.mean(losses))
    fleet.stop_worker()
    return found


def _batches(folder: Path, numbers: range) -> Iterator[dict[str, Any]]:
    ids = np.load(folder / "ids.npy", mmap_mode="r")
    labels = np.load(folder / "labels.npy", mmap_mode="r")
    for number in numbers:
        here = slice(number * BATCH, (number + 1) * BATCH)
        yield {"ids": np.array(ids[here]), "labels": np.array(labels[here])[:, None]}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
