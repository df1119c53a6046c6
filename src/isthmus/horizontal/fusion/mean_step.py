"""The step of rules that take the weighted mean of the updates and look at nothing else."""

from collections.abc import Mapping

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.horizontal.fusion import rules
from isthmus.horizontal.fusion.averages import count_weights, uniform_weights
from isthmus.horizontal.fusion.fusion_context import FusionContext, FusionState
from isthmus.horizontal.fusion.rules import Gathered
from isthmus.horizontal.fusion.spec import ActorCritic, Count, Fusion, Uniform
from isthmus.horizontal.parameters import Parameters, Vector
from isthmus.horizontal.privacy.spec import ChildLevel
from isthmus.horizontal.rounds.training import Fused


def mean_weights(rule: Fusion, counts: Integers) -> Floats:
    """Weights of the children in the mean.

    Args:
        rule: Not an actor-critic, which chooses weights itself.
        counts: Samples of each child, >= 1, shape (children,).

    Returns:
        Shape (children,), sum 1.
    """
    return uniform_weights(len(counts)) if isinstance(rule, Uniform) else count_weights(counts)


def mean_step(
    context: FusionContext,
    before: Parameters,
    mean: Vector,
    weights: Mapping[str, float],
    last: FusionState,
) -> Fused:
    """Apply a rule to the mean of the updates.

    Args:
        context: With the rule.
        before: Parameters of the round.
        mean: Weighted mean of its updates, shape (size,).
        weights: Weight of each child in it.
        last: State after the round before; that of an actor-critic is kept as it is.

    Returns:
        The parameters of the next round; training is done where the noise of one more round would
        exceed the epsilon of the job.
    """
    rule = context.rule
    if isinstance(rule, ActorCritic):
        rule = Count()  # its weights are in the mean already
    # The rule takes the mean for the update of one child.
    one = Gathered(
        updates=mean[None],
        children=np.zeros(1, np.int64),
        enrolled=1,
        counts=np.ones(1, np.int64),
        tables=context.tables,
    )
    fused = rules.fuse(rule, one, last.rule)
    layout, rounds = context.layout, last.rounds + 1
    after = layout.to_parameters(layout.to_vector(before) + fused.update)
    state = FusionState(rounds, fused.state, last.weigher).arrays()
    asked = context.privacy.child_level
    named = weights if fused.weights is not None else dict[str, float]()
    return Fused(after, named, state, done=asked is not None and budget_is_spent(asked, rounds))


def budget_is_spent(asked: ChildLevel, rounds: int) -> bool:
    """Whether one more round would exceed the epsilon of a job.

    Args:
        asked: What the job says.
        rounds: Number of rounds so far.

    Returns:
        Whether training has to end.
    """
    from isthmus.horizontal.privacy import accounting  # noqa: PLC0415 - it takes seconds to load

    spent = accounting.spent_by_master(asked, rounds)
    return accounting.affordable(spent, asked, 1.0, steps=1) == 0
