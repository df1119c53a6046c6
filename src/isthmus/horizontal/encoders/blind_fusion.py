"""Fusion by a master that sees the weighted sum of a round, and no update by itself."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.horizontal.course import Fused, Summed
from isthmus.horizontal.encoders.by_mean import stepped, weights_of
from isthmus.horizontal.encoders.fusion import State
from isthmus.horizontal.encoders.setting import Remembered, Setting
from isthmus.horizontal.encoders.weighing import Planner
from isthmus.horizontal.parameters import Parameters, Vector
from isthmus.horizontal.privacy.child_level import noised
from isthmus.store.checkpoint import Arrays


@dataclass(frozen=True)
class BlindFusion:
    """The rule of a job, over the sum of a round."""

    setting: Setting

    def weigh(self, samples: Mapping[str, int], kept: Arrays) -> dict[str, float]:
        """What each child multiplies its update with.

        Args:
            samples: Of the children in the round, by name.
            kept: What `fuse` kept after the round before.

        Returns:
            By name, sum 1.
        """
        names = sorted(samples)
        counts = np.array([samples[name] for name in names])
        planner = self.setting.weigher
        if isinstance(planner, Planner):
            places = [self.setting.numbers[name] for name in names]
            of_all = np.zeros(len(self.setting.numbers), np.int64)
            of_all[places] = counts
            weights = planner.plan(of_all, self.setting.recall(kept).weigher)[places]
        else:
            weights = weights_of(self.setting.spec.fusion, counts)
        return {name: float(it) for name, it in zip(names, weights, strict=True)}

    def fuse(self, before: Parameters, summed: Summed, kept: Arrays) -> Fused:
        """Make the parameters of the next round.

        Args:
            before: Of this round.
            summed: The sum of its updates, each by its weight.
            kept: What this function kept after the round before.

        Returns:
            The parameters, what each child counted for, and what to keep.
        """
        last = self.setting.recall(kept)
        mean = self.setting.layout.to_vector(summed.update)
        asked = self.setting.spec.privacy.child_level
        if asked is not None:
            mean = noised(mean, max(summed.weights.values()), asked)
        learned = self._learned(before, mean, summed, last)
        return stepped(self.setting, before, mean, summed.weights, last._replace(weigher=learned))

    def _learned(
        self, before: Parameters, update: Vector, summed: Summed, last: Remembered
    ) -> State:
        planner, root = self.setting.weigher, self.setting.root
        if not isinstance(planner, Planner) or root is None:
            return last.weigher
        judge = root.judge(before, last.rounds + 1)
        return planner.learn(self._of_all(summed.weights), update, judge, last.weigher)

    def _of_all(self, weights: Mapping[str, float]) -> Floats:
        found = np.zeros(len(self.setting.numbers))
        for name, weight in weights.items():
            found[self.setting.numbers[name]] = weight
        return found
