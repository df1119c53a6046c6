"""Fusion by a master that adds noise to the mean of the updates of a round."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.horizontal.fusion.fusion_context import FusionContext
from isthmus.horizontal.fusion.mean_step import mean_step, mean_weights
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.privacy.child_level import noised_mean
from isthmus.horizontal.privacy.spec import ChildLevel
from isthmus.horizontal.rounds.training import Contribution, Fused
from isthmus.store.checkpoint import Arrays


@dataclass(frozen=True)
class PrivateFusion:
    """Applies the rule of a job to the noised mean of the updates of a round."""

    context: FusionContext
    asked: ChildLevel

    def fuse(self, before: Parameters, taken: Sequence[Contribution], stored: Arrays) -> Fused:
        """Compute the parameters of the next round.

        Args:
            before: Parameters of this round.
            taken: Its contributions.
            stored: The state that this function returned in the round before.

        Returns:
            The parameters, the weight of each child, and the state.
        """
        layout = self.context.layout
        weights = mean_weights(self.context.rule, np.array([it.samples for it in taken]))
        updates = np.stack([layout.to_vector(it.update) for it in taken])
        mean = noised_mean(updates, weights, self.asked)
        named = {it.child: float(weight) for it, weight in zip(taken, weights, strict=True)}
        return mean_step(self.context, before, mean, named, self.context.restored(stored))
