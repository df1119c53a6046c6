"""Boosted trees of ours and of others on the same rows, one after the other on this machine."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import msgspec

from benchmarks import boosting_rivals, simulated
from benchmarks.boosting_rivals import XGBOOST, Rival
from benchmarks.measurement import Row
from benchmarks.pace import Pace
from benchmarks.simulated import Workload
from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine
from isthmus.evaluation.description import measured
from isthmus.vertical.boosting import messages
from isthmus.vertical.boosting.spec import Boosting

OURS = "isthmus"

BY_GMPY2 = "isthmus by gmpy2"
"""The same without our kernel, where that runs."""

IN_A_TREE = (
    messages.Next,
    messages.TreeStart,
    messages.SampledRows,
    messages.EncryptedGradients,
    messages.LevelNodes,
    messages.EncryptedSums,
    messages.OwnSplits,
    messages.WentLeft,
)
"""What crosses while a tree grows."""


@dataclass(frozen=True)
class Compared:
    """One training by us, and by those who were there."""

    workload: Workload
    boosting: Boosting
    """What our job says."""

    paces: Mapping[str, Pace]
    """By name; ours is the first."""

    @property
    def title(self) -> str:
        """What was trained, in a few words."""
        rows = "all rows" if self.boosting.sampling == "all" else self.boosting.sampling
        return f"{self.workload.name}, depth {self.boosting.depth}, {rows}"

    @property
    def ours(self) -> Pace:
        """What a tree takes us."""
        return self.paces[OURS]

    def rows(self) -> list[Row]:
        """The table rows, one for each who trained."""
        return [self._row(name, pace) for name, pace in self.paces.items()]

    def _row(self, name: str, pace: Pace) -> Row:
        fast = self.paces.get(XGBOOST)
        return {
            "trees": self.title,
            "by": name,
            "s a tree": pace.wall,
            "CPU s a tree": pace.cpu,
            "MB a tree": pace.sent / 1e6,
            "s / ours": pace.wall / self.ours.wall,
            "CPU s / ours": pace.cpu / self.ours.cpu,
            f"s / {XGBOOST}": pace.wall / fast.wall if fast else "not measured",
            "AUC": pace.auc,
        }


@dataclass
class Contest:
    """Who trains. Used with `with`: the environments of rivals live as long."""

    rivals: Mapping[str, Rival]
    missing: dict[str, str] = field(default_factory=dict[str, str])
    """Why a rival was left out, by name."""

    _pythons: dict[str, Path] = field(default_factory=dict[str, Path])
    _environments: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        for name, rival in self.rivals.items():
            try:
                self._pythons[name] = self._environments.enter_context(rival.environment())
            except SpecError as error:
                self.missing[name] = str(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._environments.__exit__(kind, error, trace)

    def __call__(
        self,
        workload: Workload,
        boosting: Boosting,
        trees: Mapping[str, int],
        *,
        by_gmpy2: bool = True,
    ) -> Compared:
        """Train.

        Args:
            workload: The rows.
            boosting: What our job says, and what rivals are asked for.
            trees: How many trees each rival grows; one that is not named does not take part.
            by_gmpy2: Whether ours is trained without the kernel, too.

        Returns:
            What a tree took each.
        """
        paces = by_us(workload, boosting, by_gmpy2=by_gmpy2)
        with TemporaryDirectory() as folder:
            files = boosting_rivals.write(workload, Path(folder))
            for name in [name for name in self._pythons if name in trees]:
                asked = msgspec.structs.replace(boosting, trees=trees[name])
                try:
                    pace = self.rivals[name].train(self._pythons[name], asked, files)
                    paces[name] = pace
                except SpecError as error:
                    self.missing[name] = f"{workload.name}: {error}"
        return Compared(workload, boosting, paces)


def by_us(workload: Workload, boosting: Boosting, *, by_gmpy2: bool) -> dict[str, Pace]:
    """Train by ourselves.

    Args:
        workload: The rows.
        boosting: What our job says.
        by_gmpy2: Whether to train without the kernel, too, where that runs.

    Returns:
        What a tree took, by the name of the one who computed.
    """
    paces = {OURS: train(workload, boosting)}
    if by_gmpy2 and keys.running(boosting.encryption.scheme, "auto") != "gmpy2":
        paces[BY_GMPY2] = train(workload, boosting, "gmpy2")
    return paces


def train(workload: Workload, boosting: Boosting, engine: Engine = "auto") -> Pace:
    """Run a job of ours, and tell what a tree took."""
    ran = simulated.run(workload, engine, boosting=boosting)
    sent = ran.sent_per_round(IN_A_TREE)
    return Pace(ran.round_wall, ran.round_cpu, sent, measured(ran.joint.metrics)["auc"]["joint"])
