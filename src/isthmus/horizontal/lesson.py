"""How a child trains in one round."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.horizontal import answers
from isthmus.horizontal.memory import ChildMemory, LastUpdate
from isthmus.horizontal.messages import Reason, RoundStart
from isthmus.horizontal.parameters import Layout, Parameters, digest, finite, misfit
from isthmus.horizontal.privacy.spec import Privacy
from isthmus.store.checkpoint import Arrays

Train = Callable[[Parameters, int], tuple[Parameters, Mapping[str, float]]]
"""Takes read-only parameters and the round, from 1; gives trained parameters and metrics."""


@dataclass(frozen=True)
class Lesson:
    """What a child needs to train an encoder."""

    samples: int
    layout: Layout
    train: Train
    state: Arrays = field(default_factory=Arrays)
    """What `train` keeps from round to round, changed in place; stored with every update."""

    privacy: Privacy = field(default_factory=Privacy)
    """How updates travel, as the job says."""

    def update(self, start: RoundStart, memory: ChildMemory) -> LastUpdate:
        """Train in one round, or take the update of this round from memory.

        What was sent once is sent again, not made again: the master may have lost it, or this
        child its line before it knew that it came.

        Args:
            start: What the master sent; it has the layout of this lesson.
            memory: Keeps the update before it leaves.

        Returns:
            The update, as it is sent.

        Raises:
            SpecError: Training gave other arrays, or numbers that are not finite.
            PeerError: Under secure aggregation, this round or a later one was played before.
        """
        base = digest(start.parameters)
        last = memory.recall(start.round, base)
        if last is None:
            if self.privacy.secure_aggregation:
                memory.check_order(start.round)
            trained, metrics = self.train(start.parameters, start.round)
            update = self._difference(trained, start)
            reduced = answers.reduced(update, self.privacy.compression, self.state)
            last = LastUpdate(start.round, base, reduced, _finite_of(metrics))
            memory.keep(last, self.state)
        return last

    def _difference(self, trained: Parameters, start: RoundStart) -> Parameters:
        flaw = misfit(trained, self.layout)
        if not flaw:
            update = {
                name: np.asarray(trained[name] - before)  # which is no array where it has no axis
                for name, before in start.parameters.items()
            }
            if finite(update):
                return update
        raise SpecError(
            f"training in round {start.round} gave {flaw or 'numbers that are not finite'}; "
            "nothing was sent. Look for extreme values in your samples, or agree on smaller steps."
        )


Prepare = Callable[[str], Lesson | Reason]
"""Finds samples for a type of encoder, or says why there is no training."""


def _finite_of(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}
