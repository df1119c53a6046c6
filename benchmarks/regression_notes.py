"""How much the benchmark of joint regression measures, and how it says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks import regression_attacks
from benchmarks.descent import rounds_of_descent
from benchmarks.elementwise import Elementwise
from benchmarks.regression_jobs import Trained
from benchmarks.regression_rivals import EPOCHS
from benchmarks.regression_tables import SHARED_SOONER
from benchmarks.simulated import ACTIVE, PASSIVE, Workload
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.vertical.regression.spec import Shared

SLOW_BITS, SLOW_DELAY = 10e6, 0.02
"""Of a slow line: bits in a second, and seconds one way."""

MOMENTA = (0.9, 0.95, 0.99)
MOST_DESCENT = 1_000

FATE = (
    "For context, not measured in this run: FATE 2.2's coordinated logistic regression "
    "(Paillier-2048) took 76-79 s for a pass over default_credit on a machine like this one."
)


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    rounds: int = 50
    """At most, of trainings to the end at the level `encrypted`."""

    few_rounds: int = 4
    """Of trainings whose rounds alone are measured."""

    shared_rounds: int = Shared(active_columns=1).rounds
    fewer_shared_rounds: int = 8
    made_up: Mapping[int, int] = field(
        default_factory=lambda: {100_000: 30, 1_000_000: 30, 10_000_000: 20}
    )
    """Columns of each party, by the number of made-up rows."""

    tests: int = 1_000
    """Made-up rows for testing."""

    workers: Sequence[int] = (1, 2)
    elementwise: tuple[int, int] = (200, 2048)
    """Rows to time it on, and bits of its modulus."""

    numbers: RegressionEncryption = field(
        default_factory=lambda: RegressionEncryption("okamoto-uchiyama")
    )
    """The scheme of single numbers that BFV is compared with."""


def notes(sizes: Sizes, numbers: Elementwise, workload: Workload, encrypted: Trained) -> list[str]:
    return [
        "Both parties are processes that share the cores of this one machine; the line between "
        "them is gRPC with mutual TLS on loopback, SS-LR's is brpc without TLS. Rows were aligned "
        "before.",
        "A training goes from the moment when both parties are ready to multiply until its last "
        "round is kept; a round is the average of all but the first, which transforms columns. CPU "
        "seconds are those of both processes with all their threads, noted by themselves, so that "
        "line, ledger and checkpoints are in them.",
        "In the clear: the same program with the same messages, but residuals cross as numbers of "
        "8 bytes, and the passive party adds up by itself, so that keys and masked sums do not "
        "cross. Nothing is protected.",
        f"Okamoto-Uchiyama was stopped after {sizes.few_rounds} rounds; its training is reckoned "
        f"from its round. `kernel` is our C code for processors with AVX-512 IFMA, `gmpy2` runs "
        "everywhere.",
        f"Elementwise is phe, Paillier-{numbers.bits}, with the passive party's columns as the "
        "same integers: per row one encryption, per row and column one multiplication and one "
        "addition, per column one decryption. One thread, timed on the first "
        f"{numbers.rows} made-up rows, reckoned up linearly; its transport is free.",
        f"SS-LR has {EPOCHS} passes of batches of 1,024 rows on secret shares, semi2k, whose "
        "random triples come from a dealer whom both parties trust: the first party plays it. A "
        "round is a pass.",
        "Memory is that of the process of a party (VmHWM), before training with all rows read, and "
        "at most until its end, and that of all its worker processes, which it starts by itself "
        "where a round has much to compute; 1 GiB of transformed columns is kept at most, and what "
        "is beyond is transformed in every round. Most of the rest is the columns as numbers of 8 "
        "bytes: as they were read, in the order that both parties share, and standardised, which "
        "the passive party has for a moment only. Before training it reads, aligns, and fits the "
        f"active party's own model. Made-up jobs have {sizes.few_rounds} rounds.",
        f"The slow line has {SLOW_BITS / 1e6:g} Mbit/s and {SLOW_DELAY * 1e3:g} ms each way, "
        "between two networks of this machine.",
        "Accuracy is beside scikit-learn on joined columns with the same penalty, on the test "
        "rows. Coefficients differ by the length of the difference, of the length of "
        "scikit-learn's; classes of `multinomial` are averaged. A training at the level `shared` "
        "has the number of rounds that the job says, and makes up a probability of as many "
        "functions as an error of 0.002 needs, at most 16: those of the last round are told. At "
        "`encrypted` it ends at the tolerance.",
        f"`{SHARED_SOONER}` is the same training, ended after {sizes.fewer_shared_rounds} rounds: "
        "ranks of scores are as good as those of SS-LR by then, and coefficients still move.",
        _descent(workload, encrypted),
        "Workers: as many at each party, all on this machine; CPU seconds of processes on Ray are "
        "not counted. Both parties use one Ray.",
        "Attacks: `before` is what was measured of the product when it had one level, masks of "
        "126 bits, and a limit of equations per row; `now` is played in this run. Labels are "
        "solved for by least squares over all gradients, which are the same at both levels: of "
        "made-up rows that tell as much as a job may, the mean of "
        f"{regression_attacks.SEEDS} tries. Powers of two are under keys of 2,048 bits; a sum "
        "under Okamoto-Uchiyama still tells two values to whoever cheats so.",
        FATE,
    ]


def _descent(workload: Workload, encrypted: Trained) -> str:
    tables = [workload.training_rows(party) for party in (ACTIVE, PASSIVE)]
    found = [
        rounds_of_descent(tables[0], tables[1], encrypted.spec, momentum, MOST_DESCENT)
        for momentum in MOMENTA
    ]
    least = min((rounds for rounds in found if rounds), default=None)
    return (
        f"Plain gradient descent in the clear, on all columns of {workload.name}, with the best of "
        f"the momenta {', '.join(map(str, MOMENTA))}, takes "
        f"{least or f'more than {MOST_DESCENT:,}'} rounds to the same tolerance, and ours "
        f"{encrypted.rounds}."
    )
