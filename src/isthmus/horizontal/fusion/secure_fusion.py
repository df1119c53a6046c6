"""Fusion by a master that sees the weighted sum of a round, and no update by itself."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.horizontal.fusion.fusion_context import FusionContext, FusionState
from isthmus.horizontal.fusion.mean_step import mean_step, mean_weights
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.weigher import Planner
from isthmus.horizontal.parameters import Parameters, Vector
from isthmus.horizontal.privacy.child_level import noised
from isthmus.horizontal.rounds.training import Fused, SecureSum
from isthmus.store.checkpoint import Arrays


@dataclass(frozen=True)
class SecureFusion:
    """Applies the rule of a job to the sum of a round."""

    context: FusionContext

    def weigh(self, samples: Mapping[str, int], stored: Arrays) -> dict[str, float]:
        """Choose the weight by which each child multiplies its update.

        Args:
            samples: Number of samples of each child in the round, by name.
            stored: The state that `fuse` returned in the round before.

        Returns:
            Weights by name, sum 1.
        """
        names = sorted(samples)
        counts = np.array([samples[name] for name in names])
        planner = self.context.weigher
        if isinstance(planner, Planner):
            places = [self.context.numbers[name] for name in names]
            of_all = np.zeros(len(self.context.numbers), np.int64)
            of_all[places] = counts
            weights = planner.plan(of_all, self.context.restored(stored).weigher)[places]
        else:
            weights = mean_weights(self.context.rule, counts)
        return {name: float(it) for name, it in zip(names, weights, strict=True)}

    def fuse(self, before: Parameters, summed: SecureSum, stored: Arrays) -> Fused:
        """Compute the parameters of the next round.

        Args:
            before: Parameters of this round.
            summed: The weighted sum of its updates.
            stored: The state that this function returned in the round before.

        Returns:
            The parameters, the weight of each child, and the state.
        """
        last = self.context.restored(stored)
        mean = self.context.layout.to_vector(summed.update)
        asked = self.context.privacy.child_level
        if asked is not None:
            mean = noised(mean, max(summed.weights.values()), asked)
        learned = self._learned(before, mean, summed, last)
        last = last._replace(weigher=learned)
        return mean_step(self.context, before, mean, summed.weights, last)

    def _learned(
        self, before: Parameters, update: Vector, summed: SecureSum, last: FusionState
    ) -> State:
        planner, own = self.context.weigher, self.context.root_data
        if not isinstance(planner, Planner) or own is None:
            return last.weigher
        judge = own.judge(before, last.rounds + 1)
        return planner.learn(self._of_all(summed.weights), update, judge, last.weigher)

    def _of_all(self, weights: Mapping[str, float]) -> Floats:
        found = np.zeros(len(self.context.numbers))
        for name, weight in weights.items():
            found[self.context.numbers[name]] = weight
        return found
