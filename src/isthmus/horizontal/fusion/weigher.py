"""The interface of an actor-critic, which chooses the weights of children's updates.

Fusion knows only this interface. The actor-critics themselves are in
`isthmus.horizontal.actor_critic`, which imports this package: whoever sets up the master creates
one and passes it in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from isthmus.core.arrays import Floats, Integers
from isthmus.horizontal.fusion.rules import Gathered
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.parameters import Updates, Vector


class Scores(NamedTuple):
    """How well candidates do on the master's own samples, each of shape (candidates,)."""

    accuracy: Floats
    """Share of the samples whose likeliest class is the right one."""

    loss: Floats
    """Mean cross-entropy."""


Judge = Callable[[Updates], Scores]
"""From updates, shape (candidates, size), to the scores of the parameters that the round started
from plus each of them; it must not change the updates."""


StateT_co = TypeVar("StateT_co", bound=State, covariant=True)


@dataclass(frozen=True)
class Chosen(Generic[StateT_co]):
    """The weights that an actor-critic chose in a round."""

    weights: Floats
    """For `Gathered.weights`, in the order of the children in it: >= 0, sum 1."""

    state: StateT_co
    """Its state for the next round."""

    evidence: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    """Measures of each child, by name of the measure, in the order of the children."""


class Weigher(Protocol):
    """An actor-critic, in any mode."""

    def start(self) -> State:
        """Returns the initial state; its `restored` reads a checkpoint."""
        ...

    def choose(self, gathered: Gathered, judge: Judge, state: Any) -> Chosen[State]:
        """Choose the weights of a round.

        Args:
            gathered: The updates, their children and counts; no weights yet. The master as an extra
                child, if it is one, is the last, with the number after those of the children.
            judge: Scores candidates from where the round started.
            state: What `start`, or this function in the round before, returned.

        Returns:
            The weights, the state for the next round, and measures of each child.
        """
        ...


@runtime_checkable
class Planner(Weigher, Protocol):
    """An actor-critic that never sees an update by itself: the mode `sum_only`."""

    def plan(self, counts: Integers, state: Any) -> Floats:
        """Choose the weights of a round before it starts: children multiply by them before masking.

        Args:
            counts: Samples of every child of the job, 0 of one that does not take part,
                shape (enrolled,).
            state: What `start`, or `learn` in the round before, returned.

        Returns:
            Shape (enrolled,): sum 1, within the caps, 0 for a child that does not take part.

        Raises:
            JobError: There are too few children for any weights to be within the caps.
        """
        ...

    def learn(self, weights: Floats, fused: Vector, judge: Judge, state: Any) -> State:
        """Learn from the sum of a round.

        Args:
            weights: Weight of each child in it, 0 if it is missing, sum 1, shape (enrolled,).
            fused: The sum, shape (size,).
            judge: Scores candidates from where the round started.
            state: What `start`, or this function in the round before, returned.

        Returns:
            The state for the next round.
        """
        ...
