"""What does a boosted tree cost, beside SecretFlow's SGB and XGBoost on joined data?

Both parties run as processes on this machine, over mutual TLS. Each table has a function of its
own.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks import boosting_aims, contest, online, operations, simulated
from benchmarks.boosting_rivals import RIVALS, SGB, TRIES, XGBOOST, Rival
from benchmarks.contest import OURS, Compared, Contest
from benchmarks.measurement import Measurement, Row, speed_beside
from benchmarks.operations import Operations
from benchmarks.pace import Pace
from benchmarks.simulated import ACTIVE, PASSIVE, Workload
from isthmus.core.errors import SpecError
from isthmus.crypto.encryption import Encryption
from isthmus.vertical.boosting.spec import Boosting, Sampling

SAMPLINGS: Sequence[Sampling] = ("all", "goss")

SLOW_BITS, SLOW_DELAY = 10e6, 0.02
"""Of a slow line: bits in a second, and seconds one way."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    trees: int = 5
    """On real rows, and on large ones."""

    depths: Sequence[int] = (3, 5)
    """On real rows."""

    joined: Mapping[int, tuple[int, int]] = field(
        default_factory=lambda: {10_000: (5, 4), 100_000: (3, 2), 300_000: (2, 2)}
    )
    """Made-up rows beside XGBoost: how many, and the trees that we and SGB grow on them."""

    large: tuple[int, int] = (100_000, 5)
    """Made-up rows and depth that take long."""

    columns: int = 30
    """Of each party, in made-up rows."""

    cost_rows: int = 10_000
    cost_trees: int = 3
    requests: int = 1_000
    encryption: Encryption = Encryption(key_bits=2048)  # noqa: RUF009 - it is frozen


SIZES = Sizes()


def measure(
    sizes: Sizes = SIZES,
    rivals: Mapping[str, Rival] = RIVALS,
    real: Callable[[], Workload] = simulated.default_credit,
) -> Measurement:
    """Train jointly, and let rivals train on the same rows.

    Args:
        sizes: How much is measured.
        rivals: Who else trains.
        real: Finds the real rows, or raises SpecError.

    Returns:
        The comparison.
    """
    tables, missing = dict[str, list[Row]](), list[str]()
    with TemporaryDirectory() as folder, Contest(rivals) as contestants:
        beside = list[Compared]()
        try:
            workload = real()
        except SpecError as error:
            missing.append(str(error))
        else:
            beside = beside_sgb(contestants, workload, sizes)
            tables["Real rows"] = [row for compared in beside for row in compared.rows()]
            tables["A request to score rows"] = scoring(workload, sizes)
        joined = beside_xgboost(contestants, sizes, Path(folder))
        tables["Made-up rows"] = [row for compared in joined for row in compared.rows()]
        large = large_rows(sizes, Path(folder))
        speeds = rates(sizes)
        tables["The floor"] = floor([*beside, *large], speeds)
        tables["Cost"] = costs(sizes, Path(folder))
        missing += [f"{name} was not measured: {why}" for name, why in contestants.missing.items()]
    missed = boosting_aims.missed(beside, joined, large, tables["The floor"])
    return Measurement(
        answer="; ".join(map(_sentence, [*beside, *joined])) + ".",
        tables=tables,
        notes=_notes(sizes, speeds),
        falls_short=missing + missed,
    )


def beside_sgb(contestants: Contest, workload: Workload, sizes: Sizes) -> list[Compared]:
    """Equal keys, bins, depth and trees; XGBoost has no goss, and trains on every row."""
    return [
        contestants(
            workload,
            _boosting(sizes, sizes.trees, depth, sampling),
            {SGB: sizes.trees, XGBOOST: sizes.trees},
        )
        for depth in sizes.depths
        for sampling in SAMPLINGS
    ]


def beside_xgboost(contestants: Contest, sizes: Sizes, folder: Path) -> list[Compared]:
    """More and more rows; of SGB, which takes longest, few trees."""
    return [
        contestants(
            _made(rows, sizes.columns, folder),
            _boosting(sizes, trees, min(sizes.depths), "all"),
            {SGB: sgb_trees, XGBOOST: sizes.trees},
        )
        for rows, (trees, sgb_trees) in sizes.joined.items()
    ]


def large_rows(sizes: Sizes, folder: Path) -> list[Compared]:
    """Many rows and deep trees, by us alone."""
    rows, depth = sizes.large
    workload = _made(rows, sizes.columns, folder)
    jobs = [_boosting(sizes, sizes.trees, depth, sampling) for sampling in SAMPLINGS]
    return [Compared(workload, job, {OURS: contest.train(workload, job)}) for job in jobs]


def rates(sizes: Sizes) -> Operations:
    """How fast this machine encrypts, adds and decrypts."""
    return operations.rates(
        sizes.encryption, sizes.cost_rows, sizes.columns, _boosting(sizes, 1, 1, "all").bins
    )


def floor(trained: Sequence[Compared], speeds: Operations) -> list[Row]:
    """What the operations of a tree take at these rates, and how far we are from it."""
    return [_distance(compared, speeds) for compared in trained]


def costs(sizes: Sizes, folder: Path) -> list[Row]:
    """What a tree costs where one thing is more than in the first row."""
    rows, columns = sizes.cost_rows, sizes.columns
    as_it_is = _made(rows, columns, folder)
    job = _boosting(sizes, sizes.cost_trees, min(sizes.depths), "all")
    more = partial(msgspec.structs.replace, job)
    cases = {
        f"{as_it_is.name}, depth {job.depth}, {job.bins} bins": (as_it_is, job),
        "twice the rows": (_made(2 * rows, columns, folder), job),
        "twice the columns": (_made(rows, 2 * columns, folder), job),
        "twice the bins": (as_it_is, more(bins=2 * job.bins - 1)),
        "two levels more": (as_it_is, more(depth=job.depth + 2)),
        "goss": (as_it_is, more(sampling="goss")),
    }
    return [_cost(name, contest.train(*case), case[1]) for name, case in cases.items()]


def scoring(workload: Workload, sizes: Sizes) -> list[Row]:
    """How long a caller waits for scores."""
    boosting = _boosting(sizes, sizes.trees, min(sizes.depths), "all")
    return [
        {"rows": wait.rows, "p50 ms": wait.half * 1e3, "p99 ms": wait.most * 1e3}
        for wait in online.waits(workload, boosting, (1, 100), sizes.requests)
    ]


def _boosting(sizes: Sizes, trees: int, depth: int, sampling: Sampling) -> Boosting:
    return Boosting(trees=trees, depth=depth, sampling=sampling, encryption=sizes.encryption)


def _made(rows: int, columns: int, folder: Path) -> Workload:
    into = folder / f"{rows}x{columns}"
    into.mkdir(exist_ok=True)
    return simulated.synthetic(rows, {ACTIVE: columns, PASSIVE: columns}, into)


def _distance(compared: Compared, speeds: Operations) -> Row:
    needed, ours = operations.per_tree(compared.workload, compared.boosting), compared.ours
    least = needed.seconds(speeds)
    return {
        "trees": compared.title,
        "encryptions": round(needed.encryptions),
        "additions": round(needed.additions),
        "decryptions": round(needed.decryptions),
        "CPU s they take": least,
        "CPU s a tree": ours.cpu,
        "CPU s / floor": ours.cpu / least,
        "s a tree": ours.wall,
        boosting_aims.TO_FLOOR: ours.wall / (least / (os.cpu_count() or 1)),
    }


def _cost(name: str, pace: Pace, job: Boosting) -> Row:
    on_the_line = 8 * pace.sent / SLOW_BITS + 2 * job.depth * 2 * SLOW_DELAY
    return {
        "made-up rows": name,
        "s a tree": pace.wall,
        "CPU s a tree": pace.cpu,
        "MB a tree": pace.sent / 1e6,
        "s a tree on a slow line, at most": pace.wall + on_the_line,
    }


def _sentence(compared: Compared) -> str:
    ours = compared.ours.wall
    others = [
        speed_beside(ours, pace.wall, name) for name, pace in compared.paces.items() if name != OURS
    ]
    return ", ".join([f"{compared.title}: {ours:.2g} s a tree", *others])


def _notes(sizes: Sizes, speeds: Operations) -> list[str]:
    cipher = sizes.encryption
    return [
        "Both parties, ours or SGB's, are processes that share the cores of this one machine. Our "
        "line is gRPC with mutual TLS on loopback, SGB's is brpc without TLS; SecretFlow runs "
        "without Ray, which takes more. Identifiers were aligned before.",
        f"Encryption is {cipher.scheme} with {cipher.key_bits} bits, here and there. Ours has "
        "randomness of full length, SGB's has 110 bits at 2048, as HEU comes.",
        "A tree goes from the end of one to the end of the next, and the average leaves out the "
        "first. Wall seconds feel what else the machine does; CPU seconds, of both parties, less "
        "so. Our line, ledger and checkpoints are in them.",
        "Depth, bins, learning rate, L2 and trees are the same for all; beyond these, SGB and "
        "XGBoost run as they come, SGB with g and h in one plaintext. Only ours merges bins with "
        "few rows. goss takes a tenth of the rows by gradient and a tenth at random, and tells "
        "passive parties which rows those are; SGB's sorts upwards, so that it takes the smallest "
        "gradients. XGBoost has all rows always.",
        f"XGBoost is xgboost-cpu, `hist` on all cores, the fastest of {TRIES} runs, its bins found "
        "before the clock starts. AUC is on the test rows, after the trees that each grew.",
        "The floor counts, on the trees that were grown, an encryption per row, an addition per "
        "row and column of the passive party for the smaller child of each pair, and a decryption "
        f"per bin, at {speeds.encryptions:,.0f}, {speeds.additions:,.0f} and "
        f"{speeds.decryptions:,.0f} in a CPU second, timed in this run. Columns that share a table "
        "and bins that share a ciphertext take fewer.",
        f"A request to score is one row or several, one after the other, {sizes.requests:,} of "
        "each; both parties evaluate their own splits, and one exchange crosses the line.",
        "The slow line has 10 Mbit/s and 20 ms each way. Its seconds are reckoned, not measured: "
        "those of loopback, all bytes, and two exchanges a level, nothing at the same time.",
    ]
