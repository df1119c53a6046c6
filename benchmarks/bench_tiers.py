"""What does a tiered parameter server save, and what does it cost, beside other trainers?

A stream of clicks on which a factorization machine and layers are trained: through workers and a
shard of Ray that exchange after more or fewer batches, in one process beside PyTorch and TorchRec,
and by Paddle's own parameter server. Then a large shard is killed, and snapshots of it are taken.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from benchmarks import clicks, far_nodes, paddle_servers, programs, tiers_rows, tiers_run
from benchmarks.clicks import Stream
from benchmarks.measurement import Measurement, Row
from benchmarks.paddle_servers import Reached
from benchmarks.recovery import Killed, Saved
from benchmarks.rival_torch import Asked
from benchmarks.rivals import installed
from benchmarks.tiers_rows import (
    AIMED,
    DENSE_ROWS,
    EVERY_BATCH,
    OURS,
    ROOT,
    SPARSE,
    SUMMED,
    TORCHREC,
)
from benchmarks.tiers_run import Trained, Wanted
from isthmus.core.errors import SpecError
from isthmus.paramserver.spec import Server

T = TypeVar("T")

PADDLE = "paddlepaddle==2.6.2"
THREADS = (1, 2)
_FIRST = 8192

Rival = Callable[[Path, Asked], Reached]


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    stream: tuple[int, int] = (262_144, 65_536)
    """Samples to train on, and to test on."""

    seeds: Sequence[int] = (1, 2, 3)
    """Of streams and jobs in one process."""

    on_ray: Sequence[int] = (1,)
    """Likewise on Ray, for the figures with an aim; others have the first alone."""

    short: int = 40
    """Batches of a rival to find its best number of threads, and of one that is slow."""

    far: int = 131_072
    """Samples between nodes that are far apart."""

    megabytes: int = 100
    """Values and state of the shard that is killed."""


SIZES = Sizes()


def ray_servers() -> dict[str, Server]:
    """Returns the servers that are compared on Ray: two workers, one shard."""
    made = partial(tiers_run.server, "ray")
    return {
        EVERY_BATCH: made(every=1, staleness=0, merge="touch_mean"),
        "exchange every 1": made(every=1, staleness=1, merge="touch_mean"),
        "exchange every 4": made(every=4, staleness=1, merge="touch_mean"),
        AIMED: made(every=16, staleness=1, merge="touch_mean"),
        "exchange every 64": made(every=64, staleness=1, merge="touch_mean"),
        ROOT: made(every=16, staleness=1, merge="touch_root"),
        SUMMED: made(every=16, staleness=1, merge="sum"),
    }


def measure(sizes: Sizes = SIZES) -> Measurement:
    """Train in processes of their own, one after the other.

    Args:
        sizes: How much is measured.

    Returns:
        The measurement.
    """
    missing = list[str]()
    with TemporaryDirectory() as place:
        streams = {
            seed: _stream(sizes.stream, seed, Path(place, str(seed))) for seed in sizes.seeds
        }
        first = streams[sizes.seeds[0]]
        tiers = on_ray({seed: streams[seed] for seed in sizes.on_ray})
        far = _tried(missing, "nodes apart", lambda: _far(sizes, Path(place)))
        one = _one_process(streams, sizes, missing)
        others = _tried(missing, PADDLE, lambda: _paddle(first, sizes))
        killed = _answer("recovery", Killed, "killed", first, sizes.megabytes)
        saved = _answer("recovery", Saved, "saved", first, sizes.megabytes)
        ids = statistics.mean(each.rows for each in tiers[AIMED])
    tables: dict[str, list[Row]] = {
        "Tiers on Ray: 2 workers, 1 shard": tiers_rows.on_ray(tiers),
        "The same on nodes apart: 1 ms there and back, 1 Gbit/s": tiers_rows.on_ray(far or {}),
        "One process": tiers_rows.in_one_process(one),
        "Parameter servers on this machine: 2 workers, 1 server": tiers_rows.beside(others, tiers),
        "Recovery": tiers_rows.of_recovery(killed, saved),
        "From 1 to 2 workers on Ray": tiers_rows.of_more_workers(),
    }
    return Measurement(
        answer=tiers_rows.answer(tiers, one),
        tables={title: found for title, found in tables.items() if found},
        notes=notes(sizes, ids),
        falls_short=missing + tiers_rows.missed(tiers, far, one, (killed, saved)),
    )


def _stream(size: tuple[int, int], seed: int, folder: Path) -> Path:
    for into, (train, test) in ((folder, size), (folder / tiers_run.FIRST, (_FIRST, _FIRST))):
        into.mkdir()
        clicks.make(Stream(train, test, seed), into)
    return folder


def on_ray(streams: Mapping[int, Path]) -> dict[str, list[Trained]]:
    """All servers on the first stream, then those with an aim on the others."""
    found = dict[str, list[Trained]]()
    for seed, stream in streams.items():
        for name, server in ray_servers().items():
            if name not in found or name in {EVERY_BATCH, AIMED, ROOT}:
                found.setdefault(name, []).append(_ours(stream, server, seed))
    return found


def _ours(stream: Path, server: Server, seed: int, *, warm: bool = False) -> Trained:
    asked = msgspec.json.encode(Wanted(server, seed, warm))
    return msgspec.json.decode(programs.answer("tiers_run", [stream], asked), type=Trained)


def _far(sizes: Sizes, place: Path) -> dict[str, list[Trained]]:
    seed = sizes.seeds[0]
    stream = _stream((sizes.far, sizes.stream[1]), seed, place / "far")
    names = (EVERY_BATCH, AIMED)
    servers = ray_servers()
    found = far_nodes.train([Wanted(servers[name], seed) for name in names], stream)
    return {name: [trained] for name, trained in zip(names, found, strict=True)}


def _one_process(
    streams: Mapping[int, Path], sizes: Sizes, missing: list[str]
) -> dict[str, list[Reached]]:
    """Ours and rivals on the same streams, stream by stream."""
    server = tiers_run.server("local", every=16, staleness=1, merge="touch_mean", workers=1)
    with ExitStack() as environments:
        rivals: dict[str, Rival] = {SPARSE: _torch("sparse")}
        rivals |= {name: _torch("dense") for name in DENSE_ROWS}
        try:
            pins = Path(__file__).with_name("rival_torchrec.txt")
            python = environments.enter_context(installed(TORCHREC, pins))
            rivals[TORCHREC] = partial(_rival, "rival_torchrec", python)
        except SpecError as error:
            missing.append(f"{TORCHREC} was not measured: {error}")
        found: dict[str, list[Reached]] = {OURS: [], **{name: [] for name in rivals}}
        for seed, stream in streams.items():
            ours = _ours(stream, server, seed, warm=True)
            found[OURS].append(Reached(ours.samples_per_s, ours.logloss, 1, ours.samples_per_cpu_s))
            for name, train in rivals.items():
                threads = [found[name][0].threads] if found[name] else THREADS
                rows = DENSE_ROWS.get(name, 0)
                asked = Asked(name, sizes.stream[0], 1, sizes.short, seed, rows)
                found[name].append(_fastest(train, stream, asked, threads))
    return found


def _torch(kind: str) -> Rival:
    return partial(_rival, "rival_torch", programs.OURS, kind=kind)


def _rival(module: str, python: Path, stream: Path, asked: Asked, kind: str = "fused") -> Reached:
    text = msgspec.json.encode(asked._replace(kind=kind)._asdict())
    said = programs.answer(module, [stream], text, python, ours_too=True)
    return msgspec.structs.replace(msgspec.json.decode(said, type=Reached), threads=asked.threads)


def _fastest(train: Rival, stream: Path, asked: Asked, threads: Sequence[int]) -> Reached:
    """With as many threads as are faster on some batches; the slow one trains on no more."""
    best = threads[0]
    if len(threads) > 1 or asked.kind in DENSE_ROWS:
        short = [train(stream, asked._replace(threads=each)) for each in threads]
        reached = max(short, key=lambda it: it.samples_per_s)
        if asked.kind in DENSE_ROWS:
            return reached
        best = reached.threads
    return train(stream, asked._replace(threads=best, batches=asked.train))


def _paddle(stream: Path, sizes: Sizes) -> dict[str, Reached]:
    pins = Path(__file__).with_name("rival_paddle.txt")
    with installed(PADDLE, pins) as python:
        return {
            mode: paddle_servers.train(python, stream, mode, sizes.stream[0])
            for mode in ("async", "geo")
        }


def _answer(module: str, kind: type[T], *arguments: object) -> T:
    return msgspec.json.decode(programs.answer(module, arguments), type=kind)


def _tried(missing: list[str], what: str, measured: Callable[[], T]) -> T | None:
    try:
        return measured()
    except SpecError as error:
        missing.append(f"{what}: not measured: {error}")
        return None


def notes(sizes: Sizes, ids: float) -> list[str]:
    """How it was measured; `ids` is how many are trained."""
    train, test = sizes.stream
    return [
        f"Streams of {train:,} samples to train on and {test:,} to test on: {clicks.FIELDS} ids "
        f"each, Zipf with exponent {clicks.EXPONENT:g}; {ids:,.0f} of them are trained. Batches of "
        f"{tiers_run.BATCH:,}, rows of {tiers_run.DIMENSION} numbers and a first-order weight, "
        "layers of 128 and 64, a factorization machine. Row-wise Adagrad, rate "
        f"{tiers_run.ROWS_RATE:g}; layers: Adam, rate {tiers_run.DENSE_RATE:g}.",
        "Means over the seeds, each a stream and a job; each run is a process of its own, and all "
        "of a table in turn. Samples per second are of the whole training, its last snapshot "
        "included, from the first window on; starting Ray is told apart.",
        "`external server every batch` is our own server with a window of one batch and a "
        "staleness of 0: a worker waits for its rows, and all workers for each other. The others "
        "have a staleness of 1.",
        "Traffic: bytes of keys, rows, optimizer states and layers that pass between workers and "
        "shards, as the run reports them.",
        "Nodes apart: three nodes of Ray, each in a network of its own, joined as a cluster that "
        "runs already; Ray draws where processes are, and a worker at least is on another node "
        "than the shard: all wait for the slowest. This kernel has no netem: a "
        "program carries what passes between two of them, packet by packet, at 1 Gbit/s and 0.5 ms "
        f"late, and takes its part of the cores. {sizes.far:,} samples.",
        "One process: ours reads Parquet, finds rows by id and writes a snapshot. The others get "
        "numbers of rows from an array, and do neither. Their threads are those, 1 or 2, that were "
        f"faster on {sizes.short} batches; dense Adam trains on no more. All have the same model; "
        "sparse Adagrad has a state per number. Rows of FBGEMM have 20 numbers, three of them "
        "idle.",
        "Dense Adam updates all rows of its table in every batch. The first of its tables has rows "
        "for the ids of the stream alone. But a table has to have a row for every id that can "
        "come: the others have 1 and 3 million, and the ids of the stream lie all over them.",
        "Paddle: two trainers and a server on loopback. `async` exchanges every batch, with lazy "
        f"Adam; `geo` every 16, with SGD, rate {0.05:g}, as it takes no other. Its rows have no "
        "first-order weight. The test rows are trained on as they are tested, as its graph of "
        "training alone finds rows at the server.",
        "Recovery: the killed shard is started anew, reads its last snapshot, and is asked again "
        "what it had done since: 4 windows of 16 batches. Snapshots of the shard are measured in "
        "one process; `waits` is the time to evict and copy.",
    ]
