"""What does a boosted tree cost, beside SecretFlow's SGB and XGBoost on joined data?

Both parties run as processes on this machine, over mutual TLS. Each table has a function of its
own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks import boosting_aims, boosting_arithmetic, contest, online, simulated
from benchmarks.boosting_aims import REACHED
from benchmarks.boosting_rivals import RIVALS, SGB, TRIES, XGBOOST, Rival
from benchmarks.contest import BY_GMPY2, OURS, Compared, Contest
from benchmarks.heu import HEU, TimeHeu, time_heu
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

    large: Mapping[int, tuple[int, int, int]] = field(
        default_factory=lambda: {100_000: (3, 2, 2), 300_000: (2, 0, 0)}
    )
    """Made-up rows on which deep trees grow: how many, the trees that we grow, those of SGB with
    every row, and those of SGB with goss; 0: it takes too long."""

    columns: int = 30
    """Of each party, in made-up rows."""

    cost_rows: int = 10_000
    cost_trees: int = 3
    requests: int = 1_000
    encryption: Encryption = Encryption(key_bits=2048)  # noqa: RUF009 - it is frozen
    strong: Encryption = Encryption(key_bits=3072)  # noqa: RUF009 - likewise


SIZES = Sizes()


def measure(
    sizes: Sizes = SIZES,
    rivals: Mapping[str, Rival] = RIVALS,
    real: Callable[[], Workload] = simulated.default_credit,
    heu: TimeHeu = time_heu,
) -> Measurement:
    """Train jointly, and let rivals train on the same rows.

    Args:
        sizes: How much is measured.
        rivals: Who else trains.
        real: Finds the real rows, or raises SpecError.
        heu: Times HEU, or raises SpecError.

    Returns:
        The comparison.
    """
    tables, missing = dict[str, list[Row]](), list[str]()
    beside, strong = list[Compared](), list[Compared]()
    with TemporaryDirectory() as folder, Contest(rivals) as contestants:
        try:
            workload = real()
        except SpecError as error:
            missing.append(str(error))
        else:
            beside = beside_sgb(contestants, workload, sizes)
            strong = under_long_keys(beside, sizes)
            tables["Real rows"] = _rows(beside)
            tables[f"Real rows, {sizes.strong.key_bits:,} bits"] = _rows(strong)
            tables["A request to score rows"] = scoring(workload, sizes)
        joined = beside_xgboost(contestants, sizes, Path(folder))
        large = large_rows(contestants, sizes, Path(folder))
        tables["Made-up rows"] = _rows([*joined, *large])
        timed = sizes.cost_rows, sizes.columns, _boosting(sizes, 1, 1, "all").bins
        rates, without = boosting_arithmetic.rates(sizes.encryption, *timed, heu)
        speeds = next(iter(rates.values()))
        tables["The floor"] = boosting_arithmetic.floor([*beside, *large], speeds)
        if beside:
            tables["The operations alone"] = boosting_arithmetic.by_each(beside, rates)
        tables["Cost"] = costs(sizes, Path(folder))
        missing += without
        missing += [f"{name} was not measured: {why}" for name, why in contestants.missing.items()]
    made_up = [*joined, *large]
    said = boosting_aims.judged(beside, strong, made_up, tables["The floor"])
    tables["Aims that were reached"] = [
        {"aim": text.removesuffix(REACHED)} for text in said if text.endswith(REACHED)
    ]
    return Measurement(
        answer="; ".join(map(_sentence, [*beside, *made_up])) + ".",
        tables={title: rows for title, rows in tables.items() if rows},
        notes=_notes(sizes, speeds),
        falls_short=missing + [text for text in said if not text.endswith(REACHED)],
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


def under_long_keys(beside: Sequence[Compared], sizes: Sizes) -> list[Compared]:
    """The same trees under a longer key, beside SGB under the shorter one; gmpy2 is slow there."""
    short, strong = f"{sizes.encryption.key_bits:,} bits", sizes.strong
    found = list[Compared]()
    for compared in beside:
        if compared.boosting.sampling == "all":
            job = msgspec.structs.replace(compared.boosting, encryption=strong)
            by_gmpy2 = job.depth == min(sizes.depths)
            paces = contest.by_us(compared.workload, job, by_gmpy2=by_gmpy2)
            names = {SGB: f"{SGB}, {short}", XGBOOST: XGBOOST}
            paces |= {names[by]: pace for by, pace in compared.paces.items() if by in names}
            found.append(Compared(compared.workload, job, paces))
    return found


def large_rows(contestants: Contest, sizes: Sizes, folder: Path) -> list[Compared]:
    """Many rows and deep trees; of SGB, which takes longest, as few trees as tell."""
    found = list[Compared]()
    for rows, (trees, *of_sgb) in sizes.large.items():
        workload = _made(rows, sizes.columns, folder)
        for sampling, sgb_trees in zip(SAMPLINGS, of_sgb, strict=True):
            job = _boosting(sizes, trees, max(sizes.depths), sampling)
            rivals = {SGB: sgb_trees, XGBOOST: sizes.trees} if sgb_trees else {XGBOOST: sizes.trees}
            found.append(contestants(workload, job, rivals, by_gmpy2=False))
    return found


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


def _rows(trained: Sequence[Compared]) -> list[Row]:
    return [row for compared in trained for row in compared.rows()]


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
    alone = " and ".join(f"{rows:,}" for rows, (_, *theirs) in sizes.large.items() if 0 in theirs)
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
        f"SGB computes with HEU, so its times are HEU's. `{BY_GMPY2}` is what a machine without "
        "AVX-512 IFMA runs. Under `The operations alone`, the operations of the same trees are "
        f"compared, with no protocol, line or Python between them: {HEU} is in an environment of "
        "its own, and what the kernel or gmpy2 takes above 1 is slower than HEU.",
        "The floor counts, on the trees that were grown, an encryption per row, an addition per "
        "row and column of the passive party for the smaller child of each pair, and a decryption "
        f"per bin, at {speeds.encryptions:,.0f}, {speeds.additions:,.0f} and "
        f"{speeds.decryptions:,.0f} in a CPU second, timed in this run. Columns that share a table "
        "and bins that share a ciphertext take fewer. The rest is the difference in CPU seconds.",
        *([f"SGB grew no deep trees on {alone} made-up rows: one takes minutes."] if alone else []),
        f"A request to score is one row or several, one after the other, {sizes.requests:,} of "
        "each; both parties evaluate their own splits, and one exchange crosses the line.",
        "The slow line has 10 Mbit/s and 20 ms each way. Its seconds are reckoned, not measured: "
        "those of loopback, all bytes, and two exchanges a level, nothing at the same time.",
    ]
