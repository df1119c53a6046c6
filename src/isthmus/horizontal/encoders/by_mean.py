"""Fusion by rules that take the weighted mean of the updates, and look at nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.horizontal.course import Contribution, Fused
from isthmus.horizontal.encoders import fusion
from isthmus.horizontal.encoders.fusion import Gathered
from isthmus.horizontal.encoders.fusion.averages import count_weights, uniform_weights
from isthmus.horizontal.encoders.fusion.spec import ActorCritic, Count, Fusion, Uniform
from isthmus.horizontal.encoders.setting import Remembered, Setting
from isthmus.horizontal.parameters import Parameters, Vector
from isthmus.horizontal.privacy.child_level import noised_mean
from isthmus.horizontal.privacy.spec import ChildLevel
from isthmus.store.checkpoint import Arrays


@dataclass(frozen=True)
class NoisedFusion:
    """The rule of a job, over the mean of the updates of a round and noise."""

    setting: Setting
    asked: ChildLevel

    def fuse(self, before: Parameters, taken: Sequence[Contribution], kept: Arrays) -> Fused:
        """Make the parameters of the next round.

        Args:
            before: Of this round.
            taken: What came of it.
            kept: What this function kept after the round before.

        Returns:
            The parameters, what each child counted for, and what to keep.
        """
        layout = self.setting.layout
        weights = weights_of(self.setting.spec.fusion, np.array([it.samples for it in taken]))
        updates = np.stack([layout.to_vector(it.update) for it in taken])
        mean = noised_mean(updates, weights, self.asked)
        named = {it.child: float(weight) for it, weight in zip(taken, weights, strict=True)}
        return stepped(self.setting, before, mean, named, self.setting.recall(kept))


def weights_of(rule: Fusion, counts: Integers) -> Floats:
    """What each child counts for in the mean.

    Args:
        rule: No actor-critic, which has weights of its own.
        counts: Samples of each child, >= 1, shape (children,).

    Returns:
        Shape (children,), sum 1.
    """
    return uniform_weights(len(counts)) if isinstance(rule, Uniform) else count_weights(counts)


def stepped(
    setting: Setting,
    before: Parameters,
    mean: Vector,
    weights: Mapping[str, float],
    last: Remembered,
) -> Fused:
    """Take the step of a rule.

    Args:
        setting: With the rule.
        before: Parameters of the round.
        mean: Of its updates, shape (size,).
        weights: What each child counted for in it.
        last: What was remembered after the round before; the state of an actor-critic is kept.

    Returns:
        The parameters of the next round; training is done where noise of one more round would pass
        the epsilon of the job.
    """
    rule = setting.spec.fusion
    if isinstance(rule, ActorCritic):
        rule = Count()  # its weights are in the mean already
    # The rule takes the mean for the update of one child.
    one = Gathered(
        updates=mean[None],
        children=np.zeros(1, np.int64),
        enrolled=1,
        counts=np.ones(1, np.int64),
    )
    fused = fusion.fuse(rule, one, last.rule)
    layout, rounds = setting.layout, last.rounds + 1
    after = layout.to_parameters(layout.to_vector(before) + fused.update)
    memory = Remembered(rounds, fused.state, last.weigher).arrays()
    asked = setting.spec.privacy.child_level
    return Fused(after, weights, memory, done=asked is not None and exhausted(asked, rounds))


def exhausted(asked: ChildLevel, rounds: int) -> bool:
    """Whether one more round would pass the epsilon of a job.

    Args:
        asked: What the job says.
        rounds: That have been played.

    Returns:
        Whether training has to end.
    """
    from isthmus.horizontal.privacy import accounting  # noqa: PLC0415 - it takes seconds to load

    spent = accounting.spent_by_master(asked, rounds)
    return accounting.affordable(spent, asked, 1.0, steps=1) == 0
