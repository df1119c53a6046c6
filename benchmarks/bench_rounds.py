"""What does a round cost, ours over mutual TLS beside Flower's deployment and its simulation?

Next to nothing is computed: a round is what carries parameters to every child and updates back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import flower_rounds
from benchmarks.flower_rounds import Setting
from benchmarks.measurement import Measurement, Row, speed_beside
from benchmarks.round_cost import Payload, RoundCost
from benchmarks.rounds import Work, in_process, over_grpc
from isthmus.core.errors import SpecError
from isthmus.horizontal.privacy.spec import EightBit, Privacy, SecureAggregation, TopK

OURS = "isthmus"
KEPT = "isthmus, each round kept on disk"
IN_PROCESS = "isthmus, in one process without messages"
OWN = (OURS, KEPT, IN_PROCESS)
DEPLOYMENT = "Flower deployment"
QUICK = "Flower deployment, nodes look for work every 0.1 s"
SIMULATION = "Flower simulation"
PARALLEL = "Flower simulation, one core per child"

EMPTY = "empty"

AIM_EMPTY = 0.05
"""Seconds of an empty round of ours, at most."""

Play = Callable[[int, Sequence[Payload]], list[RoundCost]]
"""Takes a number of children and payloads; says what a round took, by payload."""


@dataclass(frozen=True)
class Rival:
    """Somebody else's rounds."""

    play: Play
    rounds: tuple[int, int]
    """How many empty ones and large ones are enough; 0: none."""

    like: str = OURS
    """Which of ours does the same, and shall be faster."""


def _deployment(rounds: tuple[int, int], **environment: str) -> Rival:
    setting = Setting(simulated=False, environment=environment)
    return Rival(partial(flower_rounds.play, setting), rounds)


def _simulation(*options: str) -> Rival:
    setting = Setting(simulated=True, options=options)
    return Rival(partial(flower_rounds.play, setting), (20, 3), IN_PROCESS)


RIVALS: Mapping[str, Rival] = {
    DEPLOYMENT: _deployment((3, 1)),
    QUICK: _deployment((3, 0), FLWR_SUPEREXEC_TASK_POLL_INTERVAL="0.1"),
    SIMULATION: _simulation(),
    PARALLEL: _simulation("client-resources-num-cpus=1"),
}

WITH_MANY = (PARALLEL,)
"""Rivals that are asked to play with many children too."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    children: int = 8
    many: int = 100
    large: int = 12_500_000
    """Numbers in a large model of ten arrays."""

    medium: int = 1_000_000
    small: int = 13_000
    rounds: int = 100
    """Of ours, empty and small."""

    medium_rounds: int = 10
    large_rounds: int = 3
    """Of ours, likewise."""

    many_rounds: int = 20
    """With many children, of everybody."""

    def empty(self, rounds: int) -> Payload:
        """Parameters of one number."""
        return Payload(EMPTY, 1, rounds)

    def full(self, rounds: int) -> Payload:
        """A large model."""
        return Payload(f"{4 * self.large / 1e6:,.0f} MB", self.large, rounds, arrays=10)


SIZES = Sizes()


def measure(sizes: Sizes = SIZES, rivals: Mapping[str, Rival] = RIVALS) -> Measurement:
    """Play rounds, and let rivals play them.

    Args:
        sizes: How much is measured.
        rivals: Who else plays.

    Returns:
        The comparison.
    """
    beside, missing = compare(sizes, rivals)
    many, missing_of_many = with_many(sizes, rivals)
    return Measurement(
        answer=_answer(sizes, beside),
        tables={
            f"{sizes.children} children, in one run": _rows(beside),
            f"{sizes.many} children": _rows(many),
            f"Secure aggregation, {sizes.children} children": under_masks(sizes),
            f"Compression, {sizes.children} children, {sizes.medium:,} numbers": compressed(sizes),
        },
        notes=_notes(sizes),
        falls_short=missing + missing_of_many + _missed(beside, rivals),
    )


Costs = dict[tuple[str, str], RoundCost]
"""What a round took, by payload and who played; ours is the first of each payload."""


def compare(sizes: Sizes, rivals: Mapping[str, Rival]) -> tuple[Costs, list[str]]:
    """Let everybody play empty and large rounds.

    Args:
        sizes: How much is measured.
        rivals: Who else plays.

    Returns:
        What a round took, and why rivals are missing.
    """
    found, missing = Costs(), list[str]()
    for payload in (sizes.empty(sizes.rounds), sizes.full(sizes.large_rounds)):
        found[payload.name, OURS] = over_grpc(Work(payload, sizes.children))
        with TemporaryDirectory() as folder:
            kept = Work(payload, sizes.children, folder=Path(folder))
            found[payload.name, KEPT] = over_grpc(kept)
        found[payload.name, IN_PROCESS] = in_process(Work(payload, sizes.children))
    for name, rival in rivals.items():
        empty, full = rival.rounds
        payloads = [it for it in (sizes.empty(empty), sizes.full(full)) if it.rounds]
        found |= _played(name, rival, sizes.children, payloads, missing)
    return found, missing


def with_many(sizes: Sizes, rivals: Mapping[str, Rival]) -> tuple[Costs, list[str]]:
    """Empty and small rounds with many children.

    Args:
        sizes: How much is measured.
        rivals: Who else plays.

    Returns:
        What a round took, and why rivals are missing.
    """
    found, missing = Costs(), list[str]()
    small = Payload(f"{sizes.small:,} numbers", sizes.small, sizes.many_rounds)
    payloads = [sizes.empty(sizes.many_rounds), small]
    for payload in payloads:
        found[payload.name, OURS] = over_grpc(Work(payload, sizes.many))
        found[payload.name, IN_PROCESS] = in_process(Work(payload, sizes.many))
    for name in WITH_MANY:
        if name in rivals:
            found |= _played(name, rivals[name], sizes.many, payloads, missing)
    return found, missing


def under_masks(sizes: Sizes) -> list[Row]:
    """What it costs that the master sees the sum of a round only."""
    secure = Privacy(secure_aggregation=SecureAggregation())
    models = {sizes.small: sizes.rounds, sizes.medium: sizes.medium_rounds}
    rows = list[Row]()
    for numbers, rounds in models.items():
        payload = Payload(f"{numbers:,}", numbers, rounds)
        bare = over_grpc(Work(payload, sizes.children))
        for name, cost in {
            "as they are": bare,
            "under masks": over_grpc(Work(payload, sizes.children, secure)),
        }.items():
            rows.append(
                {
                    "numbers": numbers,
                    "updates": name,
                    "s a round": cost.wall,
                    "CPU s a round": cost.cpu,
                    "MB from a child": _from_a_child(cost, sizes),
                    "s / as they are": cost.wall / bare.wall,
                    "MB / as they are": cost.received / bare.received,
                }
            )
    return rows


def compressed(sizes: Sizes) -> list[Row]:
    """How many bytes the ways to make updates smaller save, and what they cost."""
    payload = Payload(f"{sizes.medium:,}", sizes.medium, sizes.medium_rounds)
    share = TopK().share
    costs = {
        name: over_grpc(Work(payload, sizes.children, Privacy(compression=method)))
        for name, method in {
            "32 bits a number": None,
            "8 bits a number": EightBit(),
            f"the largest {share:.0%} of the numbers": TopK(),
        }.items()
    }
    whole = next(iter(costs.values()))
    return [
        {
            "updates": name,
            "MB from a child": _from_a_child(cost, sizes),
            "MB / 32 bits": cost.received / whole.received,
            "s a round": cost.wall,
            "s / 32 bits": cost.wall / whole.wall,
        }
        for name, cost in costs.items()
    ]


def _played(
    name: str, rival: Rival, children: int, payloads: Sequence[Payload], missing: list[str]
) -> Costs:
    try:
        costs = rival.play(children, payloads)
    except SpecError as error:
        missing.append(f"{name} was not measured with {children} children: {error}")
        return {}
    return {(it.name, name): cost for it, cost in zip(payloads, costs, strict=True)}


def _rows(costs: Costs) -> list[Row]:
    return [
        {
            "parameters": payload,
            "by": name,
            "rounds": cost.rounds,
            "s a round": cost.wall,
            "s of the slowest": cost.slowest,
            "CPU s a round": cost.cpu,
            f"s / {OURS}": cost.wall / costs[payload, OURS].wall,
        }
        for payload in dict.fromkeys(payload for payload, _ in costs)
        for (of, name), cost in costs.items()
        if of == payload
    ]


def _from_a_child(cost: RoundCost, sizes: Sizes) -> float:
    return cost.received / sizes.children / 1e6


def _answer(sizes: Sizes, costs: Costs) -> str:
    ours = {payload: cost.wall for (payload, name), cost in costs.items() if name == OURS}
    parts = []
    for payload, wall in ours.items():
        others = [
            speed_beside(wall, cost.wall, name)
            for (of, name), cost in costs.items()
            if of == payload and name not in OWN
        ]
        parts.append(", ".join([f"{payload} rounds take {wall:.2g} s", *others]))
    return f"With {sizes.children} children, {'; '.join(parts)}."


def _missed(costs: Costs, rivals: Mapping[str, Rival]) -> list[str]:
    ours = {key: costs[key[0], rivals[key[1]].like].wall for key in costs if key[1] in rivals}
    missed = [
        f"With {payload} rounds, {rivals[name].like!r} takes "
        f"{wall / costs[payload, name].wall:.2g} times the time of {name!r}; the aim is less."
        for (payload, name), wall in ours.items()
        if wall > costs[payload, name].wall
    ]
    empty = costs[EMPTY, OURS].wall
    if empty > AIM_EMPTY:
        missed.append(f"An empty round takes {empty:.2g} s; the aim is {AIM_EMPTY:g}.")
    return missed


def _notes(sizes: Sizes) -> list[str]:
    return [
        "A round goes from the end of one average to the end of the next; the first sets things up "
        "and is left out. `s a round` is the median, CPU seconds are the mean and those of all "
        "processes. All of them share the cores of this one machine.",
        "Parameters are random numbers of 4 bytes, in ten arrays where they are large and one "
        "array otherwise; an empty round carries one number. A child multiplies all by a number "
        "of its own, so that no two updates are alike, and the master averages.",
        "Ours: each child is a process that lives through all rounds, and its line is gRPC with "
        "mutual TLS 1.3 on loopback. Updates are checked and digests recorded as in any job. "
        f"`{OURS}` keeps rounds in memory, as Flower does by default; `isthmus run` keeps each on "
        "disk before it goes on, and writes a ledger, which is not in these figures (`make bench "
        "NAME=ledger`).",
        "Flower's FedAvg without its evaluation, which would be a second exchange in each round. "
        "Deployment is a SuperLink and SuperNodes on loopback with TLS and node authentication, "
        "its state in memory; each round starts a process per child, and no setting keeps one "
        "alive. The SuperLink's and the SuperNodes' pauses of 3 s "
        "cannot be set; that of 1 s between two looks for work can, by "
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL.",
        "Flower's simulation carries parameters through memory, without TLS, and plays children in "
        "turns in the processes of Ray: by default one for every two cores, and one for each core "
        "with client-resources-num-cpus=1. It looks for answers every 0.1 s, which cannot be set.",
        f"With {sizes.many} children ours are as many processes. `{IN_PROCESS}` is "
        "`isthmus.horizontal.rounds.in_process`, for research: what a simulation is to be compared "
        "with.",
        "Under masks, each child has all others as neighbours, and a round has four exchanges "
        "instead of one. `MB from a child` is what the master receives, frames included, TLS not; "
        "what it sends is the same with and without compression.",
    ]
