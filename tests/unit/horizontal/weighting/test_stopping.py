from typing import NamedTuple

import numpy as np
import pytest

from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.rounds.training import Fused
from isthmus.horizontal.weighting.spec import Stop
from isthmus.horizontal.weighting.stopping import Progress, progress, stopping
from isthmus.store.checkpoint import Arrays


class Brought(NamedTuple):
    samples: int


def rounds_until_done(stop: Stop, accuracies: list[float]) -> int | None:
    """Rounds of two children with 10 samples each, until the fusion says that it is enough."""

    def fuse(start: Parameters, _brought: list[Brought], kept: Arrays) -> Fused:
        assert kept.keys() <= {"own"}
        return Fused(start, state={"own": np.zeros(1)})

    ends = stopping(fuse, stop, lambda _, number: accuracies[number - 1], lambda it: it)
    kept = Arrays()
    for number in range(1, len(accuracies) + 1):
        fused = ends({}, [Brought(10), Brought(10)], kept)
        if fused.done:
            return number
        kept = fused.state
    return None


class TestStopping:
    @pytest.mark.parametrize(
        ("stop", "rounds"),
        [
            (Stop(), None),
            (Stop(accuracy=0.8), 4),
            (Stop(accuracy=0.9), None),
            (Stop(plateau=1), 3),
            (Stop(plateau=2), 6),
            (Stop(samples=60), 3),
            (Stop(samples=61), 4),
            (Stop(accuracy=0.8, samples=20), 1),
        ],
    )
    def test_ends_training_by_the_first_that_holds(self, stop: Stop, rounds: int | None) -> None:
        assert rounds_until_done(stop, [0.5, 0.7, 0.7, 0.8, 0.8, 0.75]) == rounds

    def test_keeps_what_the_rule_keeps(self) -> None:
        ends = stopping(
            lambda start, _brought, kept: Fused(start, state={"own": kept["own"] + 1}),
            Stop(samples=100),
            lambda *_: 0.5,
            lambda _: [Brought(1)],
        )
        fused = ends({}, None, {"own": np.zeros(1)})
        again = ends({}, None, fused.state)
        assert again.state["own"].tolist() == [2]
        assert progress(again.state) == Progress(rounds=2, samples=2, best=0.5, idle=1)
