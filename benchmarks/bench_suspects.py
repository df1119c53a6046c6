"""Does the actor-critic name the children that do harm, and nobody else?

Ten or twenty children train a small network of one hidden layer under the actor-critic, some of
them faulty; from the record of the rounds the master names whom it should look after.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

import torch

from benchmarks.bench_fusion import DATASETS
from benchmarks.federation import Dataset, Descent, Fault, Federation, Setting
from benchmarks.fusion_contest import RESIDUAL, Master
from benchmarks.measurement import Measurement, Row
from isthmus.core.errors import SpecError
from isthmus.horizontal.actor_critic.suspects import find_suspects

CONDITIONS: Mapping[str, tuple[Fault, float]] = {
    "no fault": ("none", 0.0),
    "label flip 30%": ("label_flip", 0.3),
    "label flip 40%": ("label_flip", 0.4),
    "random labels 30%": ("label_noise", 0.3),
    "random labels 50%": ("label_noise", 0.5),
    "sign flip 30%": ("sign_flip", 0.3),
}
"""What is done by how many of the children."""

DIVISIONS: Sequence[tuple[int, float]] = ((10, 0.5), (10, 0.1), (20, 0.5), (20, 0.2))
"""Number of children, and alpha of the Dirichlet distribution that divides the classes."""


class Case(NamedTuple):
    """One training."""

    data: str
    children: int
    alpha: float
    condition: str
    seed: int


class Named(NamedTuple):
    """Whom the master named."""

    faulty: int
    of_faulty: int
    honest: int
    of_honest: int

    def plus(self, other: "Named") -> "Named":
        """Returns both counted together."""
        return Named(*(one + more for one, more in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    seeds: Mapping[str, Sequence[int]] = field(
        default_factory=lambda: {"digits": range(50, 55), "notMNIST": range(50, 51)}
    )
    """By data set; the thresholds were chosen with others."""

    divisions: Sequence[tuple[int, float]] = DIVISIONS
    rounds: int = 40
    processes: int = os.cpu_count() or 1
    descent: Descent = field(default_factory=Descent)


SIZES = Sizes()


def measure(
    sizes: Sizes = SIZES, datasets: Mapping[str, Callable[[], Dataset]] = DATASETS
) -> Measurement:
    """Train under every condition, and count who is named.

    Args:
        sizes: How much is measured.
        datasets: What to train on, by name; one that is not there is left out.

    Returns:
        Who is named.
    """
    there, missing = dict[str, Dataset](), list[str]()
    for name, read in datasets.items():
        try:
            there[name] = read()
        except SpecError as error:
            missing.append(f"{name} was left out: {error}")
    cases = [
        Case(name, children, alpha, condition, seed)
        for name in there
        for children, alpha in sizes.divisions
        for condition in CONDITIONS
        for seed in sizes.seeds[name]
    ]
    with ProcessPoolExecutor(sizes.processes, get_context("spawn")) as pool:
        found = dict(zip(cases, pool.map(partial(named, sizes, there), cases), strict=True))
    flips = _sum(it for case, it in found.items() if case.condition.startswith("label flip"))
    everything = _sum(found.values())
    answer = (
        f"It names {flips.faulty} of {flips.of_faulty} children that flip labels, "
        f"{everything.faulty} of all {everything.of_faulty} faulty ones, and {everything.honest} "
        f"of {everything.of_honest} honest ones."
    )
    tables = {
        f"Named of the faulty, and of the honest children, {name}": _table(found, name, sizes)
        for name in there
    }
    return Measurement(answer, tables, _notes(sizes), missing + shortfalls(found))


def named(sizes: Sizes, datasets: Mapping[str, Dataset], case: Case) -> Named:
    """Train, and count who is named."""
    torch.set_num_threads(1)
    fault, share = CONDITIONS[case.condition]
    setting = Setting(case.alpha, fault, share, case.children)
    federation = Federation(datasets[case.data], setting, case.seed)
    master, parameters = Master(federation, RESIDUAL, sizes.descent), federation.initial()
    for number in range(1, sizes.rounds + 1):
        parameters = parameters + master.round(parameters, number)
    suspects = {it.child for it in find_suspects(master.rounds)}
    hit = [f"child-{child:02}" in suspects for child in range(case.children)]
    faulty = federation.faulty.tolist()
    return Named(
        faulty=sum(one and bad for one, bad in zip(hit, faulty, strict=True)),
        of_faulty=sum(faulty),
        honest=sum(one and not bad for one, bad in zip(hit, faulty, strict=True)),
        of_honest=case.children - sum(faulty),
    )


def shortfalls(found: Mapping[Case, Named]) -> list[str]:
    """Where honest children were named, or most of the faulty ones were not."""
    told = list[str]()
    for condition in CONDITIONS:
        total = _sum(it for case, it in found.items() if case.condition == condition)
        if total.honest:
            told.append(f"{condition}: {total.honest} of {total.of_honest} honest ones are named.")
        if total.faulty < 0.9 * total.of_faulty:
            told.append(
                f"{condition}: {total.of_faulty - total.faulty} of {total.of_faulty} faulty ones "
                "are not named. Who is not named is not cleared."
            )
    return told


def _table(found: Mapping[Case, Named], name: str, sizes: Sizes) -> list[Row]:
    def cell(children: int, alpha: float, condition: str) -> str:
        key = (name, children, alpha, condition)
        total = _sum(it for case, it in found.items() if case[:4] == key)
        faulty = f"{total.faulty} of {total.of_faulty}, " if total.of_faulty else ""
        return f"{faulty}{total.honest} of {total.of_honest}"

    return [
        Row(
            children=children,
            Dirichlet=alpha,
            **{condition: cell(children, alpha, condition) for condition in CONDITIONS},
        )
        for children, alpha in sizes.divisions
    ]


def _sum(found: Iterable[Named]) -> Named:
    total = Named(0, 0, 0, 0)
    for each in found:
        total = total.plus(each)
    return total


def _notes(sizes: Sizes) -> list[str]:
    seeds = ", ".join(f"{len(seeds)} of {name}" for name, seeds in sizes.seeds.items())
    return [
        f"{sizes.rounds} rounds of {sizes.descent.steps} batches each; seeds: {seeds}. Each cell "
        "has the faulty ones that are named, then the honest ones that are.",
        "The thresholds were chosen on other seeds of digits and on made-up clusters.",
        "label flip: a child takes each class for another one. random labels: it draws them. sign "
        "flip: it sends the opposite of its updates.",
        "A child is named that hardly counts in most rounds, and whose updates point against "
        "those of the others while all still learn, or are very long.",
    ]
