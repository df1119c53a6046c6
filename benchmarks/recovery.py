"""Kills a large shard, and takes snapshots of it: `python -m benchmarks.recovery CASE STREAM MB`.

`killed` needs Ray; `saved` does not. Each prints a line of JSON: seconds.
"""

import os
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
from msgspec.structs import replace

from benchmarks import clicks, tiers_run
from isthmus.cli.answer import keep_stdout_clean
from isthmus.data.spec import Dataset
from isthmus.multitask import training
from isthmus.multitask.feed.feeder import WindowFeeder
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.network import trainer
from isthmus.multitask.network.trainer import Description, TorchTrainer
from isthmus.paramserver.distributed import actors, on_ray, processes
from isthmus.paramserver.engine import Engine, Plan
from isthmus.paramserver.shards import placement
from isthmus.paramserver.shards.snapshots import Progress, Snapshots
from isthmus.paramserver.tiers import in_process
from isthmus.paramserver.tiers.saving import Saver
from isthmus.paramserver.window import Keys, Pull

WINDOWS = 4
"""Trained on since the snapshot when the shard is killed, of 16 batches each."""

TURNS = 3
_SNAPSHOTS = 7
_PULLED = 100_000
_SEED = 1
_EPOCHS = 1000  # so that windows never end


class Killed(msgspec.Struct, frozen=True):
    """What the death of a shard takes."""

    megabytes: float
    windows: int
    seconds: list[float]
    """From the signal until rows are there again, each time."""


class Saved(msgspec.Struct, frozen=True):
    """What a snapshot takes; medians of seconds."""

    megabytes: float
    """Of the files."""

    pause: float
    """Evicting and copying, while training waits."""

    whole: float
    """Copying and writing, until the files are on disk."""

    numpy: float
    """`numpy.save` of as many bytes."""

    numpy_on_disk: float
    """The same, and then `fsync`."""


class _Training:
    """A shard with so many MB of values and optimizer state, and one worker."""

    def __init__(self, engine: str, stream: Path, folder: Path, megabytes: int) -> None:
        server = replace(
            tiers_run.server(engine, every=16, staleness=0, merge="touch_mean", workers=1),
            snapshot_every=1,
        )
        self.folder = folder
        spec = replace(tiers_run.spec(server), epochs=_EPOCHS)
        description = Description(spec, _SEED)
        path = folder / "trainer.json"
        trainer.write(path, description)
        own = TorchTrainer(description)
        self.plan = training.plan_of(spec, own.dimension, own.size, _SEED, folder / "spill")
        self.engine = _engine(self.plan, path, folder)
        self.feeder = WindowFeeder(spec, Inputs(Dataset(path=clicks.TRAIN), stream, _SEED))
        self.snapshots = Snapshots(folder / "snapshots", "0")
        self.saver = Saver(self.engine, self.snapshots, server, "0", None)
        self.calls = self.windows = 0
        self._pushes: Sequence[object] = []
        self.engine.result(self.engine.begin(0, own.first(), []))
        self._fill(megabytes * 1_000_000 // (4 * (own.dimension + 1)))

    def save(self) -> None:
        """Begin a snapshot."""
        self.saver.save(self.feeder.state(), Progress(windows=self.windows, calls=self.calls))

    def train(self) -> None:
        """Train on a window."""
        window = self.feeder.next_window(self.windows)
        assert window is not None
        rows = self._exchange(placement.pulls(window, 1))
        pushes, report = self.engine.train(0, window, rows, [])
        self.engine.result(report)
        self._pushes = pushes
        self.windows += 1

    def push(self) -> None:
        """Push what is left."""
        self.engine.result(self._exchange([])[0])

    def look(self) -> None:
        """Get some rows."""
        self.engine.result(self._exchange([self._pull(0, 1000)])[0])

    def _exchange(self, pulls: Sequence[Pull]) -> Sequence[object]:
        pushes = [self._pushes[0]] if self._pushes else []
        self._pushes = []
        self.calls += 1
        clock = self.windows * 16 * tiers_run.BATCH
        return self.engine.exchange(0, self.calls - 1, pushes, pulls, clock)

    def _fill(self, rows: int) -> None:
        for start in range(0, rows, _PULLED):
            count = min(_PULLED, rows - start)
            self.engine.result(self._exchange([self._pull(start, count)])[0])

    def _pull(self, start: int, count: int) -> Pull:
        ids = np.arange(start, start + count, dtype=np.int64) + 2**62
        keys = Keys(np.zeros(count, np.uint16), ids)
        return Pull(self.windows, keys, np.ones(count, np.int32))


def _engine(plan: Plan, path: Path, folder: Path) -> Engine:
    if plan.server.engine == "local":
        return in_process.Engine(plan, lambda: trainer.make(path))
    recipe = actors.Recipe(
        "isthmus.multitask.network.trainer:make", path, "isthmus.multitask.samples:TaskBatch"
    )
    return on_ray.Engine(plan, recipe, folder)


def killed(stream: Path, folder: Path, megabytes: int) -> Killed:
    """Kill the shard some times, each time after some windows."""
    run = _Training("ray", stream, folder, megabytes)
    seconds = list[float]()
    try:
        for _ in range(TURNS):
            run.save()
            run.saver.wait()
            for _ in range(WINDOWS):
                run.train()
            run.push()
            (shard,) = [each for each in _own() if b"ray::Shard" in _title(each)]
            os.kill(shard, signal.SIGKILL)
            began = time.perf_counter()
            run.look()
            seconds.append(time.perf_counter() - began)
        return Killed(megabytes, WINDOWS, seconds)
    finally:
        run.saver.close()
        run.engine.close()


def saved(stream: Path, folder: Path, megabytes: int) -> Saved:
    """Take whole snapshots, and let numpy save as many bytes, in turn."""
    run = _Training("local", stream, folder, megabytes)
    found = list[tuple[float, float, float, float]]()
    size = 0
    for version in range(1, _SNAPSHOTS + 1):
        run.train()
        run.push()
        began = time.perf_counter()
        run.engine.result(run.engine.evict(0, 0))
        run.engine.result(run.engine.copy(0, version, whole=True))
        pause = time.perf_counter() - began
        into = folder / f"{version}"
        into.mkdir()
        stored = run.engine.result(run.engine.write(0, version, into))
        whole = time.perf_counter() - began
        size = sum(each.size for each in stored.values())
        found.append((pause, whole, *_by_numpy(size, folder / f"{version}.npy")))
    run.saver.close()
    run.engine.close()
    pause, whole, numpy, on_disk = (statistics.median(each) for each in zip(*found, strict=True))
    return Saved(size / 1e6, pause, whole, numpy, on_disk)


def _by_numpy(size: int, path: Path) -> tuple[float, float]:
    array = np.ones(size // 4, np.float32)
    began = time.perf_counter()
    with path.open("wb") as file:
        np.save(file, array)
        alone = time.perf_counter() - began
        os.fsync(file.fileno())
    return alone, time.perf_counter() - began


def _own() -> set[int]:
    return set(processes.of_folder(Path(os.environ[processes.MARK])))


def _title(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    keep_stdout_clean()
    with TemporaryDirectory() as place:
        case = {"killed": killed, "saved": saved}[sys.argv[1]]
        print(msgspec.json.encode(case(Path(sys.argv[2]), Path(place), int(sys.argv[3]))).decode())
