"""Trains on a stream of `clicks` in a process of its own: `python -m benchmarks.tiers_run FOLDER`.

The server and the seed come as JSON on standard input, the result goes as JSON to standard output.
"""

import shutil
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks import clicks
from isthmus.cli.answer import keep_stdout_clean
from isthmus.core.telemetry import Sink, Telemetry, silent
from isthmus.data.spec import Dataset
from isthmus.multitask import training
from isthmus.multitask.data import Data
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.spec import Identifier, Multitask, Task
from isthmus.paramserver.spec import Adam, RowwiseAdagrad, Server
from isthmus.store.runs import Run

BATCH = 1024
DIMENSION = 16
HIDDEN = (128, 64)
ROWS_RATE, DENSE_RATE = 0.05, 1e-3
FIRST = "first"
"""Folder in that of a stream, with a short one."""


class Wanted(msgspec.Struct, frozen=True):
    """What is trained."""

    server: Server
    seed: int
    warm: bool = False
    """Whether a first training, whose result nobody reads, compiles the kernels."""


class Trained(msgspec.Struct, frozen=True):
    """What came of it."""

    samples_per_s: float
    """Without the start of the engine; the last snapshot is in it."""

    samples_per_cpu_s: float
    """Of this process, likewise."""

    start: float
    """Seconds from nothing to the first window."""

    traffic: int
    exchanges: int
    staleness: int
    rows: int
    logloss: float
    auc: float


def server(engine: str, *, every: int, staleness: int, merge: str, workers: int = 2) -> Server:
    """Returns a server whose workers exchange with one shard after so many batches."""
    return msgspec.convert(
        {
            "engine": engine,
            "workers": workers,
            "exchange_every": every * BATCH,
            "staleness": staleness,
            "merge": merge,
            "snapshot_every": 2**40,
        },
        Server,
    )


def spec(served: Server) -> Multitask:
    """Returns the model, the same on every server: layers and a factorization machine."""
    return Multitask(
        features={name: Identifier() for name in clicks.columns()},
        tasks={"click": Task("click")},
        dimension=DIMENSION,
        model="deepfm",
        hidden=HIDDEN,
        tower=(),
        batch_rows=BATCH,
        compare_rows=0,
        server=msgspec.structs.replace(served, rows=rows_rule(), dense=Adam(rate=DENSE_RATE)),
    )


def rows_rule() -> RowwiseAdagrad:
    """Returns the optimizer of the rows."""
    return RowwiseAdagrad(rate=ROWS_RATE)


def train(wanted: Wanted, stream: Path, runs: Path, sink: Sink = silent) -> Trained:
    """Train and test.

    Args:
        wanted: What is trained.
        stream: Folder with a stream of `clicks`.
        runs: Where a folder for the run is made, and removed.
        sink: Hears of the progress.

    Returns:
        What came of it.
    """
    train_on, test_on = (
        Inputs(Dataset(path=name), stream, wanted.seed) for name in (clicks.TRAIN, clicks.TEST)
    )
    run = Run(runs / "run")
    run.folder.mkdir()
    telemetry = _Telemetry(sink)
    data = Data(train_on, test_on, wanted.seed, "0")
    outcome = training.train(spec(wanted.server), data, run, telemetry).measure()
    shutil.rmtree(run.folder)
    assert outcome.throughput
    assert outcome.traffic
    assert outcome.memory
    assert outcome.staleness
    return Trained(
        samples_per_s=outcome.throughput.samples_per_s or 0.0,
        samples_per_cpu_s=outcome.rows["train"] / telemetry.cpu["train"],
        start=telemetry.seconds["start"],
        traffic=outcome.traffic.bytes,
        exchanges=outcome.exchanges or 0,
        staleness=outcome.staleness.greatest,
        rows=outcome.memory.rows or 0,
        logloss=outcome.metrics["logloss_click"]["model"] or 0.0,
        auc=outcome.metrics["auc_click"]["model"] or 0.0,
    )


class _Telemetry(Telemetry):
    """Adds up CPU seconds of this process too."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self.cpu = dict[str, float]()

    @contextmanager
    def timed(self, name: str) -> Generator[None]:
        """Add the seconds of the block."""
        began = time.process_time()
        with super().timed(name):
            yield
        self.cpu[name] = time.process_time() - began


def main(stream: Path) -> Trained:
    """Train what standard input says, in a folder that is thrown away."""
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Wanted)
    with TemporaryDirectory() as folder:
        if wanted.warm:
            first = stream / FIRST
            train(msgspec.structs.replace(wanted, warm=False), first, Path(folder))
        return train(wanted, stream, Path(folder))


if __name__ == "__main__":
    keep_stdout_clean()
    print(msgspec.json.encode(main(Path(sys.argv[1]))).decode())
