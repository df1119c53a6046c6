"""The inputs of a fusion: the rule of the job, and the state kept between rounds."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from isthmus.horizontal.fusion import rules
from isthmus.horizontal.fusion.rules import Gathered
from isthmus.horizontal.fusion.spec import Fusion, Limits
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.validation_gradient import LossGradient
from isthmus.horizontal.fusion.weigher import Judge, Weigher
from isthmus.horizontal.parameters import Layout, Parameters, Vector
from isthmus.horizontal.privacy.spec import Privacy
from isthmus.horizontal.tables import Tables
from isthmus.store.checkpoint import Arrays


class Evaluator(Protocol):
    """Scores parameters on samples of the master's own."""

    def judge(self, before: Parameters, number: int) -> Judge:
        """Returns the function that scores updates to the parameters of a round."""
        ...


class OwnSamples(Evaluator, Protocol):
    """What the master computes on samples of its own."""

    def update(self, before: Parameters, number: int) -> Vector:
        """Returns the update of a child that had these samples, shape (size,)."""
        ...

    def loss_gradient(self, before: Parameters, number: int) -> LossGradient:
        """Returns the gradient of the loss as a function of an update to these parameters."""
        ...


class ExtraChild(Evaluator, Protocol):
    """The master as one more child, which trains and judges on different samples of its own."""

    def joined(self, gathered: Gathered, before: Parameters, number: int) -> Gathered:
        """Returns the round with the master's own update as its last one."""
        ...


class FusionState(NamedTuple):
    """What fusion keeps from one round to the next."""

    rounds: int
    rule: State
    weigher: State
    """Of an actor-critic; empty without one."""

    def arrays(self) -> Arrays:
        """Returns the state as arrays, which are stored with the state of training."""
        return (
            {_ROUNDS: np.array(self.rounds)}
            | {f"{_RULE}{name}": it for name, it in self.rule.arrays().items()}
            | {f"{_WEIGHER}{name}": it for name, it in self.weigher.arrays().items()}
        )


@dataclass(frozen=True)
class FusionContext:
    """What is fixed before the first round."""

    rule: Fusion
    limits: Limits
    privacy: Privacy
    numbers: dict[str, int]
    """Number of each child of the job, from 0, by name."""

    layout: Layout
    """Of the parameters alone, without the control that SCAFFOLD sends beside them."""

    tables: Tables
    root_data: OwnSamples | None = None
    weigher: Weigher | None = None
    master_as_child: ExtraChild | None = None

    def restored(self, stored: Arrays) -> FusionState:
        """The state after the round before, or the initial state before the first one.

        Args:
            stored: What `FusionState.arrays` returned; empty before the first round.

        Returns:
            The state.

        Raises:
            SpecError: It is of another rule, or of another model.
        """
        rule = rules.start(self.rule, self.layout.size)
        weigher = self.weigher.start() if self.weigher else State()
        if not stored:
            return FusionState(0, rule, weigher)
        return FusionState(
            int(stored[_ROUNDS]),
            rule.restored(_part(stored, _RULE)),
            weigher.restored(_part(stored, _WEIGHER)),
        )


_ROUNDS, _RULE, _WEIGHER = "rounds", "rule.", "weigher."


def _part(stored: Arrays, part: str) -> Arrays:
    return {name.removeprefix(part): it for name, it in stored.items() if name.startswith(part)}
