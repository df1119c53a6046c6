"""What a master knows before the first round, and what it remembers after each."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from isthmus.horizontal.encoders import fusion
from isthmus.horizontal.encoders.fusion import State
from isthmus.horizontal.encoders.own_node import OwnNode
from isthmus.horizontal.encoders.root import Root
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.encoders.weighing import Weigher
from isthmus.horizontal.parameters import Layout
from isthmus.store.checkpoint import Arrays


class Remembered(NamedTuple):
    """What fusion goes on from."""

    rounds: int
    rule: State
    weigher: State
    """Of an actor-critic; empty without one."""

    def arrays(self) -> Arrays:
        """For the course of training, which is kept after each round."""
        return (
            {_ROUNDS: np.array(self.rounds)}
            | {f"{_RULE}{name}": it for name, it in self.rule.arrays().items()}
            | {f"{_WEIGHER}{name}": it for name, it in self.weigher.arrays().items()}
        )


@dataclass(frozen=True)
class Setting:
    """What a master knows before the first round."""

    spec: Encoders
    numbers: dict[str, int]
    """Of each child in the job, from 0, by name."""

    layout: Layout
    """Of the parameters alone, without the control that SCAFFOLD has beside them."""

    root: Root | None
    weigher: Weigher | None
    own_node: OwnNode | None = None

    def recall(self, kept: Arrays) -> Remembered:
        """What was remembered after the round before, or what there is before the first one.

        Args:
            kept: What `Remembered.arrays` gave; nothing before the first round.

        Returns:
            The same again.

        Raises:
            SpecError: It is of another rule, or of another model.
        """
        rule = fusion.start(self.spec.fusion, self.layout.size)
        weigher = self.weigher.start() if self.weigher else State()
        if not kept:
            return Remembered(0, rule, weigher)
        return Remembered(
            int(kept[_ROUNDS]),
            rule.restored(_part(kept, _RULE)),
            weigher.restored(_part(kept, _WEIGHER)),
        )


_ROUNDS, _RULE, _WEIGHER = "rounds", "rule.", "weigher."


def _part(kept: Arrays, part: str) -> Arrays:
    return {name.removeprefix(part): it for name, it in kept.items() if name.startswith(part)}
