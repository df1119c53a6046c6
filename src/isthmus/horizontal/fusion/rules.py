"""The index of the rules: from the job's rule to the function, and what it needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import JobError
from isthmus.horizontal.fusion import (
    optimisers,
    robust,
    scaffold,
    spec,
    validation_gradient,
)
from isthmus.horizontal.fusion.averages import (
    chosen_weights,
    count_weights,
    least_under,
    uniform_weights,
    weighted_sum,
)
from isthmus.horizontal.fusion.optimisers import Moments, Momentum
from isthmus.horizontal.fusion.scaffold import Control
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.touches import touch_mean
from isthmus.horizontal.fusion.validation_gradient import Logits, LossGradient
from isthmus.horizontal.parameters import Updates, Vector
from isthmus.horizontal.tables import Tables


class Need(StrEnum):
    """What a rule needs of a round, beyond one weighted sum of the updates."""

    EACH_UPDATE = "the update of each child by itself, which secure aggregation hides"
    COUNTS = "the number of samples of each child"
    TABLES = "the arrays that are tables: name them in `tables` of the rule"
    CONTROL_CHANGES = "the change of each child's control"
    ROOT_UPDATE = "an update that the master trained on its own samples"
    LOSS_GRADIENT = "the gradient of the loss on the master's own samples"
    WEIGHTS = "weights that an actor-critic chose for the round"


@dataclass(frozen=True)
class Gathered:
    """The updates of a round, and what else rules need; row i is child i of the round.

    The order of the children changes a fused update in its last digits: a master that wants the
    same bits again keeps them in the order of their numbers.
    """

    updates: Updates
    """Shape (children, size)."""

    children: Integers
    """Number of each child in the job, from 0, shape (children,)."""

    enrolled: int
    """Children of the job, in this round or not."""

    counts: Integers | None = None
    """Samples of each child, >= 1, shape (children,)."""

    tables: Tables | None = None
    control_changes: Updates | None = None
    root_update: Vector | None = None
    loss_gradient: LossGradient | None = None

    weights: Floats | None = None
    """>= 0, sum 1, shape (children,)."""


StateT = TypeVar("StateT", bound=State)
RuleT = TypeVar("RuleT", bound=spec.FusionRule)
ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class FusedUpdate(Generic[StateT]):
    """The update that a rule computes from the updates of a round."""

    update: Vector
    """To add to the parameters that the round started from, shape (size,)."""

    weights: Floats | None
    """Weight of each child, shape (children,); none where it differs between coordinates."""

    state: StateT
    """State of the rule for the next round."""


@dataclass(frozen=True)
class Entry(Generic[RuleT, StateT]):
    """One rule: its initial state, its function, and what it needs."""

    start: Callable[[RuleT, int], StateT]
    fuse: Callable[[RuleT, Gathered, StateT], FusedUpdate[StateT]]
    needs: frozenset[Need]
    least_children: Callable[[RuleT], int] = lambda _: 1


def name(rule: spec.FusionRule) -> str:
    """Returns the name of the rule in a job."""
    return str(type(rule).__struct_config__.tag)


def needs(rule: spec.FusionRule) -> frozenset[Need]:
    """Returns what `fuse` needs for this rule, beyond what every rule takes."""
    if isinstance(rule, spec.ActorCritic) and rule.mode == "sum_only":
        return frozenset({Need.WEIGHTS})
    return RULES[type(rule)].needs


def needs_own_samples(rule: spec.FusionRule) -> bool:
    """Whether the master can only fuse by the rule with samples of its own."""
    return not needs(rule).isdisjoint({Need.ROOT_UPDATE, Need.LOSS_GRADIENT, Need.WEIGHTS})


def least_children(rule: spec.FusionRule) -> int:
    """The fewest children of a round that the rule can fuse: no quorum may be lower."""
    return RULES[type(rule)].least_children(rule)


def start(rule: spec.FusionRule, size: int) -> State:
    """The initial state of a rule.

    Args:
        rule: From the job.
        size: Numbers in an update.

    Returns:
        The state; its `restored` reads the one in a checkpoint.
    """
    first: State = RULES[type(rule)].start(rule, size)
    return first


def fuse(rule: spec.FusionRule, gathered: Gathered, state: StateT) -> FusedUpdate[StateT]:
    """Fuse the updates of a round into one, by the rule of the job.

    Args:
        rule: From the job.
        gathered: The updates of the round, with all that `needs` names.
        state: What `start`, or this function in the round before, returned.

    Returns:
        The update to add, the weight of each child, and the state for the next round.

    Raises:
        JobError: Fewer children took part than the rule can fuse.
        ValueError: Something that the rule needs was not gathered.

    Source:
        US12229667B2 (S3), "a first preset rule".
    """
    children = len(gathered.updates)
    if children < least_children(rule):
        raise JobError(
            f"{children} children took part in a round, and the fusion rule {name(rule)!r} of the "
            f"job needs {least_children(rule)}. Raise the quorum of a round, or change the rule."
        )
    return RULES[type(rule)].fuse(rule, gathered, state)


def given(value: ValueT | None, need: Need) -> ValueT:
    """Require something that a rule needs.

    Args:
        value: What was gathered, or nothing.
        need: What it is for, for the error.

    Returns:
        The value.

    Raises:
        ValueError: It was not gathered.
    """
    if value is None:
        raise ValueError(f"this fusion rule needs {need}: give `fuse` all that `needs` names")
    return value


def _by_count(gathered: Gathered) -> tuple[Vector, Floats]:
    weights = count_weights(given(gathered.counts, Need.COUNTS))
    return weighted_sum(gathered.updates, weights), weights


def _no_state(_rule: spec.FusionRule, _size: int) -> State:
    return State()


def _count(_rule: spec.FusionRule, gathered: Gathered, state: State) -> FusedUpdate[State]:
    update, weights = _by_count(gathered)
    return FusedUpdate(update, weights, state)


def _uniform(_rule: spec.Uniform, gathered: Gathered, state: State) -> FusedUpdate[State]:
    weights = uniform_weights(len(gathered.updates))
    return FusedUpdate(weighted_sum(gathered.updates, weights), weights, state)


def _touch_mean(_rule: spec.TouchMean, gathered: Gathered, state: State) -> FusedUpdate[State]:
    weights = count_weights(given(gathered.counts, Need.COUNTS))
    update = touch_mean(gathered.updates, weights, given(gathered.tables, Need.TABLES))
    return FusedUpdate(update, None, state)


def _no_momentum(_rule: spec.FedAvgM, size: int) -> Momentum:
    return optimisers.no_momentum(size)


def _fedavgm(rule: spec.FedAvgM, gathered: Gathered, state: Momentum) -> FusedUpdate[Momentum]:
    mean, weights = _by_count(gathered)
    update, after = optimisers.fedavgm(mean, state, rule)
    return FusedUpdate(update, weights, after)


def _first_moments(rule: spec.FedAdam | spec.FedYogi, size: int) -> Moments:
    return optimisers.first_moments(size, rule.adaptivity)


def _fedadam(rule: spec.FedAdam, gathered: Gathered, state: Moments) -> FusedUpdate[Moments]:
    mean, weights = _by_count(gathered)
    update, after = optimisers.fedadam(mean, state, rule)
    return FusedUpdate(update, weights, after)


def _fedyogi(rule: spec.FedYogi, gathered: Gathered, state: Moments) -> FusedUpdate[Moments]:
    mean, weights = _by_count(gathered)
    update, after = optimisers.fedyogi(mean, state, rule)
    return FusedUpdate(update, weights, after)


def _no_control(_rule: spec.Scaffold, size: int) -> Control:
    return scaffold.no_control(size)


def _scaffold(rule: spec.Scaffold, gathered: Gathered, state: Control) -> FusedUpdate[Control]:
    changes = given(gathered.control_changes, Need.CONTROL_CHANGES)
    update, after = scaffold.scaffold(gathered.updates, changes, state, rule, gathered.enrolled)
    return FusedUpdate(update, uniform_weights(len(gathered.updates)), after)


def _median(_rule: spec.Median, gathered: Gathered, state: State) -> FusedUpdate[State]:
    return FusedUpdate(robust.median(gathered.updates), None, state)


def _trimmed_mean(rule: spec.TrimmedMean, gathered: Gathered, state: State) -> FusedUpdate[State]:
    return FusedUpdate(robust.trimmed_mean(gathered.updates, rule.faulty), None, state)


def _multi_krum(rule: spec.MultiKrum, gathered: Gathered, state: State) -> FusedUpdate[State]:
    weights = robust.krum_weights(gathered.updates, rule.faulty)
    return FusedUpdate(weighted_sum(gathered.updates, weights), weights, state)


def _fltrust(_rule: spec.FLTrust, gathered: Gathered, state: State) -> FusedUpdate[State]:
    root = given(gathered.root_update, Need.ROOT_UPDATE)
    update, weights = robust.fltrust(gathered.updates, root)
    return FusedUpdate(update, weights, state)


def _no_logits(_rule: spec.ValidationGradient, _size: int) -> Logits:
    return validation_gradient.no_logits()


def _validation_gradient(
    rule: spec.ValidationGradient, gathered: Gathered, state: Logits
) -> FusedUpdate[Logits]:
    gradient = given(gathered.loss_gradient, Need.LOSS_GRADIENT)
    prior = count_weights(given(gathered.counts, Need.COUNTS))
    logits = np.zeros(gathered.enrolled)
    logits[: len(state.logits)] = state.logits
    logits[gathered.children] = validation_gradient.descend(
        gathered.updates, prior, logits[gathered.children], gradient, rule
    )
    weights = validation_gradient.softmax_weights(prior, logits[gathered.children])
    return FusedUpdate(weighted_sum(gathered.updates, weights), weights, Logits(logits))


def _least_under_caps(rule: spec.ActorCritic) -> int:
    return least_under(rule.caps) if rule.caps else 1


def _actor_critic(rule: spec.ActorCritic, gathered: Gathered, state: State) -> FusedUpdate[State]:
    weights = chosen_weights(given(gathered.weights, Need.WEIGHTS), rule.caps)
    return FusedUpdate(weighted_sum(gathered.updates, weights), weights, state)


_COUNTS = frozenset({Need.COUNTS})
_EACH = frozenset({Need.EACH_UPDATE})

RULES: Mapping[type[spec.FusionRule], Entry[Any, Any]] = MappingProxyType(
    {
        spec.Count: Entry(_no_state, _count, _COUNTS),
        spec.Uniform: Entry(_no_state, _uniform, frozenset()),
        spec.TouchMean: Entry(_no_state, _touch_mean, _COUNTS | {Need.TABLES}),
        spec.FedAvgM: Entry(_no_momentum, _fedavgm, _COUNTS),
        spec.FedAdam: Entry(_first_moments, _fedadam, _COUNTS),
        spec.FedYogi: Entry(_first_moments, _fedyogi, _COUNTS),
        spec.FedProx: Entry(_no_state, _count, _COUNTS),
        spec.Scaffold: Entry(_no_control, _scaffold, frozenset({Need.CONTROL_CHANGES})),
        spec.Median: Entry(_no_state, _median, _EACH),
        spec.TrimmedMean: Entry(_no_state, _trimmed_mean, _EACH, lambda rule: 2 * rule.faulty + 1),
        spec.MultiKrum: Entry(_no_state, _multi_krum, _EACH, lambda rule: 2 * rule.faulty + 3),
        spec.FLTrust: Entry(_no_state, _fltrust, _EACH | {Need.ROOT_UPDATE}),
        spec.ValidationGradient: Entry(
            _no_logits, _validation_gradient, _EACH | _COUNTS | {Need.LOSS_GRADIENT}
        ),
        spec.ActorCritic: Entry(
            _no_state, _actor_critic, _EACH | {Need.WEIGHTS}, _least_under_caps
        ),
    }
)
"""Every rule of `spec.Fusion`."""
