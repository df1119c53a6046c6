"""Every fusion rule over the same children, from the same start."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from benchmarks.federation import ALL, Descent, Federation
from isthmus.core.arrays import Floats
from isthmus.horizontal.actor_critic.modes import weigher_of
from isthmus.horizontal.fusion import rules
from isthmus.horizontal.fusion.corrections import scaffold_control
from isthmus.horizontal.fusion.rules import Gathered, Need
from isthmus.horizontal.fusion.scaffold import Control
from isthmus.horizontal.fusion.spec import (
    ActorCritic,
    Count,
    FedAdam,
    FedAvgM,
    FedProx,
    FedYogi,
    FLTrust,
    FusionRule,
    Median,
    MultiKrum,
    Scaffold,
    TrimmedMean,
    Uniform,
    ValidationGradient,
    WeightCaps,
)
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.weigher import Chosen, Scores, Weigher
from isthmus.horizontal.parameters import Updates, Vector
from isthmus.horizontal.rounds.training import ContributionRecord, Round

FEDAVG, ROOT_ONLY, ORACLE = "fedavg", "root_only", "oracle"
RESIDUAL, LITERAL, SUM_ONLY = "actor_critic", "actor_critic literal", "actor_critic sum_only"
FLTRUST, VALIDATION_GRADIENT = "fltrust", "validation_gradient"

WITH_MASTER = ", master as child"
"""The master trains along as one more node; with fedavg, no job lets it."""

RULES: Mapping[str, FusionRule] = {
    FEDAVG: Count(),
    "uniform": Uniform(),
    "fedavgm": FedAvgM(step=0.3, momentum=0.7),
    "fedadam": FedAdam(),
    "fedyogi": FedYogi(),
    "fedprox": FedProx(),
    "scaffold": Scaffold(),
    "median": Median(),
    "trimmed_mean": TrimmedMean(faulty=3),
    "multi_krum": MultiKrum(faulty=3),
    FLTRUST: FLTrust(),
    VALIDATION_GRADIENT: ValidationGradient(),
    FEDAVG + WITH_MASTER: Count(),
    VALIDATION_GRADIENT + WITH_MASTER: ValidationGradient(master_as_child=True),
    RESIDUAL: ActorCritic(),
    "actor_critic, no master as child": ActorCritic(master_as_child=False),
    LITERAL: ActorCritic(mode="literal"),
    SUM_ONLY: ActorCritic(mode="sum_only", caps=WeightCaps()),
}
"""By the name in the tables."""

NAMES = (*RULES, ROOT_ONLY, ORACLE)

_LAST = 5  # rounds whose mean accuracy counts
_HALVES = (slice(0, None, 2), slice(1, None, 2))


def accuracy(federation: Federation, name: str, rounds: int, descent: Descent) -> float:
    """What training by a rule reaches on the test set.

    Args:
        federation: Who trains.
        name: Of the rule; `root_only` trains on the master's samples alone, and `oracle` is FedAvg
            that knows who is faulty.
        rounds: How many.
        descent: How a child trains.

    Returns:
        Mean accuracy after the last rounds.
    """
    parameters, found = federation.initial(), list[float]()
    master = None if name == ROOT_ONLY else Master(federation, name, descent)
    for number in range(1, rounds + 1):
        if master is None:
            update = federation.train_root(parameters, number, descent)
        else:
            update = master.round(parameters, number)
        parameters = parameters + update
        if number > rounds - _LAST:
            found.append(federation.accuracy(parameters))
    return float(np.mean(found))


@dataclass
class Master:
    """Fuses as the master of a job does."""

    federation: Federation
    name: str
    descent: Descent
    rule: FusionRule = field(init=False)
    state: State = field(init=False)
    weigher: Weigher | None = field(init=False)
    weighing: Any = field(init=False)
    controls: Updates = field(init=False)
    """Of the children, for SCAFFOLD."""

    rounds: list[Round] = field(default_factory=list[Round])
    """What the actor-critic has seen of the children."""

    def __post_init__(self) -> None:
        """Start the rule."""
        count = len(self.federation.counts)
        self.rule = RULES.get(self.name, Count())
        self.state = rules.start(self.rule, self.federation.size)
        self.weigher = weigher_of(self.rule, count, self.federation.seed)
        self.weighing = self.weigher.start() if self.weigher else None
        self.controls = np.zeros((count, self.federation.size), np.float32)

    def round(self, parameters: Vector, number: int) -> Vector:
        """Let the children train, and fuse what they send."""
        return self.fused(parameters, number, *self._trained(parameters, number))

    def fused(
        self, parameters: Vector, number: int, updates: Updates, changes: Updates | None = None
    ) -> Vector:
        """Fuse updates of all children, with all that the rule has the master compute for it."""
        gathered = self._gathered(parameters, number, updates, changes)
        weights = self._chosen(parameters, number, gathered)
        fused = rules.fuse(self.rule, replace(gathered, weights=weights), self.state)
        self.state = fused.state
        return fused.update

    def _chosen(self, parameters: Vector, number: int, gathered: Gathered) -> Floats | None:
        if self.weigher is None:
            return None

        def judge(updates: Updates) -> Scores:
            return self.federation.judge(parameters, updates, self._part(number))

        chosen = self.weigher.choose(gathered, judge, self.weighing)
        self.weighing = chosen.state
        self.rounds.append(_record(gathered, chosen, len(self.federation.counts)))
        return chosen.weights

    @property
    def _master_as_child(self) -> bool:
        return self.rule.trains_master or self.name == FEDAVG + WITH_MASTER

    def _part(self, number: int) -> slice:
        """The master's samples to judge by: not those that it trains on itself in a round."""
        return _HALVES[(number + 1) % 2] if self._master_as_child else ALL

    def _gathered(
        self, parameters: Vector, number: int, updates: Updates, changes: Updates | None
    ) -> Gathered:
        federation, needs = self.federation, rules.needs(self.rule)
        rows = np.arange(len(updates))
        if self.name == ORACLE:
            rows = np.flatnonzero(~federation.faulty)
        counts = federation.counts[rows]
        updates, enrolled = updates[rows], len(updates)
        if self._master_as_child:
            own = federation.train_root(parameters, number, self.descent, _HALVES[number % 2])
            updates, rows = np.vstack([updates, own]), np.append(rows, enrolled)
            counts, enrolled = np.append(counts, len(federation.root[1])), enrolled + 1
        root = Need.ROOT_UPDATE in needs
        return Gathered(
            updates=updates,
            children=rows,
            enrolled=enrolled,
            counts=counts,
            control_changes=changes,
            root_update=federation.train_root(parameters, number, self.descent) if root else None,
            loss_gradient=lambda update: federation.loss_gradient(
                parameters, update, self._part(number)
            ),
        )

    def _trained(self, parameters: Vector, number: int) -> tuple[Updates, Updates | None]:
        proximal = self.rule.proximal if isinstance(self.rule, FedProx) else 0.0
        if not isinstance(self.state, Control):
            return self.federation.train(parameters, number, self.descent, proximal), None
        control = self.state.control
        corrections = control - self.controls
        sent = self.federation.train(parameters, number, self.descent, corrections=corrections)
        length = self.descent.steps * self.descent.rate
        after = np.stack(
            [
                scaffold_control(own, control, update, length)
                for own, update in zip(self.controls, sent, strict=True)
            ]
        )
        changes, self.controls = after - self.controls, after
        return sent, changes


def _record(gathered: Gathered, chosen: Chosen[Any], children: int) -> Round:
    # As the master of a job writes it down: without itself as a child, which comes last.
    counts = rules.given(gathered.counts, Need.COUNTS)
    measures = chosen.evidence
    taken = {
        f"child-{child:02}": ContributionRecord(
            samples=int(counts[row]),
            digest="",
            metrics={},
            weight=float(chosen.weights[row]),
            evidence={name: float(values[row]) for name, values in measures.items()},
        )
        for row, child in enumerate(gathered.children[:children])
    }
    return Round(taken=taken, left_out={}, model="")
