"""What the benchmark of tiers found, as tables, and which aims were missed."""

import os
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Protocol

from benchmarks.measurement import Row
from benchmarks.paddle_servers import Reached
from benchmarks.recovery import Killed, Saved
from benchmarks.tiers_run import Trained

EVERY_BATCH = "external server every batch"
AIMED = "exchange every 16"
ROOT = "exchange every 16, touch_root"
SUMMED = "exchange every 16, sum"
OURS = "isthmus, engine local"
SPARSE = "PyTorch, sparse Adagrad"
DENSE = "PyTorch, fused dense Adam"
DENSE_ROWS = {DENSE: 0, f"{DENSE}, 1M rows": 1_000_000, f"{DENSE}, 3M rows": 3_000_000}
"""Rows of its table, 0 for as few as there are ids: it trains all of them in every batch."""

TORCHREC = "torchrec==1.9.2"

FASTER, LESS_TRAFFIC, MORE_LOSS = 2.0, 0.35, 0.004
"""Of exchanging every 16 batches, beside every batch."""

BESIDE = {SPARSE: 1.3, DENSE: 3.0, TORCHREC: 1.0}
"""Times as fast as each of them."""

TO_ANSWER, TO_NUMPY, PAUSED, MINUTE = 3.0, 2.0, 0.05, 60.0
CORES = 4


class Ran(Protocol):
    """A training of ours or of others."""

    @property
    def samples_per_s(self) -> float:
        """Speed of all workers."""
        ...

    @property
    def logloss(self) -> float:
        """On the test rows."""
        ...


Tiers = Mapping[str, Sequence[Trained]]
Alone = Mapping[str, Sequence[Reached]]


def on_ray(found: Tiers) -> list[Row]:
    """A row for each server, beside the one that exchanges every batch."""
    return [
        {
            "server": name,
            "samples/s": _speed(runs),
            "through every batch": _speed(runs) / _speed(_same(found, runs)),
            "MB": _traffic(runs) / 1e6,
            "of every batch's": _traffic(runs) / _traffic(_same(found, runs)),
            "test logloss": round(_loss(runs), 5),
            "more than every batch": round(_loss(runs) - _loss(_same(found, runs)), 5),
            "staleness": max(each.staleness for each in runs),
            "s to start": mean(each.start for each in runs),
            "seeds": len(runs),
        }
        for name, runs in found.items()
    ]


def in_one_process(found: Alone) -> list[Row]:
    """A row for each trainer."""
    return [
        {
            "trainer": name,
            "threads of PyTorch": reached[-1].threads,
            "samples/s": _speed(reached),
            "isthmus / this": _speed(found[OURS]) / _speed(reached),
            "samples/CPU s": mean(each.samples_per_cpu_s for each in reached),
            "test logloss": round(_loss(reached), 5) if reached[0].logloss else "not measured",
            "seeds": len(reached),
        }
        for name, reached in found.items()
    ]


def beside(others: Mapping[str, Reached] | None, tiers: Tiers) -> list[Row]:
    """Paddle's modes beside ours, the first seed of each."""
    if others is None:
        return []
    ran: dict[str, Ran] = {f"isthmus, {name}": tiers[name][0] for name in (EVERY_BATCH, AIMED)}
    ran |= {f"Paddle, {mode}": reached for mode, reached in others.items()}
    return [
        {
            "server": name,
            "samples/s": reached.samples_per_s,
            "isthmus every 16 / this": tiers[AIMED][0].samples_per_s / reached.samples_per_s,
            "test logloss": round(reached.logloss, 5),
        }
        for name, reached in ran.items()
    ]


def of_recovery(killed: Killed, saved: Saved) -> list[Row]:
    """A row for each aim."""
    share = saved.pause / MINUTE
    slowest = max(killed.seconds)
    return [
        _recovery(
            f"SIGKILL of a shard of {killed.megabytes:.0f} MB to the next rows, the slowest of "
            f"{len(killed.seconds)}",
            f"{slowest:.2g} s",
            f"{TO_ANSWER:g} s",
        ),
        _recovery(
            f"a snapshot, {saved.megabytes:.0f} MB of files on disk, through `numpy.save`",
            f"{saved.whole:.2g} s / {saved.numpy:.2g} s = {saved.whole / saved.numpy:.2g}",
            f"{TO_NUMPY:g}",
        ),
        _recovery(
            "the same, through `numpy.save` and `fsync`",
            f"{saved.whole:.2g} s / {saved.numpy_on_disk:.2g} s = "
            f"{saved.whole / saved.numpy_on_disk:.2g}",
            "none",
        ),
        _recovery(
            "share of training that waits, at a whole snapshot a minute",
            f"{100 * share:.2g} %",
            f"{100 * PAUSED:.2g} %",
        ),
    ]


def of_more_workers() -> list[Row]:
    """Two workers need more cores than this machine may have."""
    cores = os.cpu_count() or 1
    return [
        {
            "what": "samples/s of 2 workers through those of 1",
            "found": "not measured",
            "aim": "1.6",
            "why": f"{CORES} free cores are needed, and this machine has {cores}",
        }
    ]


def answer(tiers: Tiers, one: Alone) -> str:
    """The answer in a sentence."""
    aimed, every = tiers[AIMED], tiers[EVERY_BATCH]
    beside = ", ".join(
        f"{_speed(one[OURS]) / _speed(found):.2f} times {name}"
        for name, found in one.items()
        if name != OURS
    )
    return (
        f"Exchanging every 16 batches trains {_speed(aimed) / _speed(every):.2f} times as fast as "
        f"every batch, with {_traffic(aimed) / _traffic(every):.0%} of the traffic and a test "
        f"logloss {_loss(aimed) - _loss(every):+.4f}. In one process it is {beside}."
    )


def missed(
    tiers: Tiers, far: Tiers | None, one: Alone, recovery: tuple[Killed, Saved]
) -> list[str]:
    """Returns a sentence for each aim that was missed or not measured."""
    found = [
        *_missed_tiers(tiers, ""),
        *(_missed_tiers(far, " on nodes apart") if far else []),
        *(
            f"One process: {ratio:.2f} times {name}, aim {aim:g}."
            for name, aim in BESIDE.items()
            if name in one and (ratio := _speed(one[OURS]) / _speed(one[name])) < aim
        ),
    ]
    killed, saved = recovery
    if max(killed.seconds) > TO_ANSWER:
        found.append(f"Kill to answer: {max(killed.seconds):.2g} s, aim {TO_ANSWER:g} s.")
    if saved.whole > TO_NUMPY * saved.numpy:
        found.append(
            f"Snapshot: {saved.whole / saved.numpy:.2g} times `numpy.save`, aim {TO_NUMPY:g}."
        )
    if saved.pause > PAUSED * MINUTE:
        found.append(f"Snapshot: training waits for {saved.pause:.2g} s a minute.")
    return [*found, "1 to 2 workers: not measured, for want of cores."]


def _missed_tiers(found: Tiers, where: str) -> list[str]:
    aimed, every = found[AIMED], found[EVERY_BATCH]
    faster = _speed(aimed) / _speed(every)
    less, more = _traffic(aimed) / _traffic(every), _loss(aimed) - _loss(every)
    said = {
        f"Every 16 batches{where}: {faster:.2f} times as fast as every batch, aim {FASTER:g}.": (
            faster < FASTER
        ),
        f"Every 16 batches{where}: {less:.0%} of the traffic, aim {LESS_TRAFFIC:.0%}.": (
            less > LESS_TRAFFIC
        ),
        f"Every 16 batches{where}: logloss {more:+.4f}, aim {MORE_LOSS:+g}.": more > MORE_LOSS,
    }
    return [sentence for sentence, so in said.items() if so]


def _same(found: Tiers, runs: Sequence[Trained]) -> Sequence[Trained]:
    """Returns those that exchange every batch, on the same seeds."""
    return found[EVERY_BATCH][: len(runs)]


def _speed(runs: Sequence[Ran]) -> float:
    return mean(each.samples_per_s for each in runs)


def _loss(runs: Sequence[Ran]) -> float:
    return mean(each.logloss for each in runs)


def _traffic(runs: Sequence[Trained]) -> float:
    return mean(each.traffic for each in runs)


def _recovery(what: str, found: str, aim: str) -> Row:
    return {"what": what, "found": found, "aim": aim}
