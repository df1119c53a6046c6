"""What stands between the master and the actor-critic that weighs its children's updates.

The master is one for S3 and S6. The actor-critic, `isthmus.horizontal.weighting`, imports this
package and never the other way round: whoever sets up the master hands it a `Weigher`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from isthmus.core.arrays import Floats, Integers
from isthmus.horizontal.encoders.fusion.rules import Gathered
from isthmus.horizontal.encoders.fusion.state import State
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
    """What an actor-critic made of a round."""

    weights: Floats
    """For `Gathered.weights`, in the order of the children in it: >= 0, sum 1."""

    state: StateT_co
    """What it goes on from in the next round."""

    evidence: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    """What it saw of each child, by name of the measure, in the order of the children."""


class Weigher(Protocol):
    """An actor-critic, in any mode."""

    def start(self) -> State:
        """What it goes on from in the first round; `restored` reads a checkpoint."""
        ...

    def choose(self, gathered: Gathered, judge: Judge, state: Any) -> Chosen[State]:
        """Choose the weights of a round.

        Args:
            gathered: The updates, their children and counts; no weights yet. The master's own node,
                if there is one, is the last, with the number after those of the children.
            judge: Scores candidates from where the round started.
            state: What `start`, or this in the round before, gave.

        Returns:
            The weights, the state for the next round, and what was seen of each child.
        """
        ...


@runtime_checkable
class Planner(Weigher, Protocol):
    """An actor-critic that never sees an update by itself: the mode `sum_only`."""

    def plan(self, counts: Integers, state: Any) -> Floats:
        """Weights for a round that begins, which children multiply with before they mask.

        Args:
            counts: Samples of every child of the job, 0 of one that does not take part,
                shape (enrolled,).
            state: What `start`, or `learn` in the round before, gave.

        Returns:
            Shape (enrolled,): sum 1, within the caps, 0 for who does not take part.

        Raises:
            JobError: There are too few children for any weights to be within the caps.
        """
        ...

    def learn(self, weights: Floats, fused: Vector, judge: Judge, state: Any) -> State:
        """Learn from the sum of a round.

        Args:
            weights: What children counted for in it: 0 for who is missing, sum 1,
                shape (enrolled,).
            fused: The sum, shape (size,).
            judge: Scores candidates from where the round started.
            state: What `start`, or this in the round before, gave.

        Returns:
            The state for the next round.
        """
        ...
