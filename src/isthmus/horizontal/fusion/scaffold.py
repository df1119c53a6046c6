"""SCAFFOLD at the master; what a child does is in `corrections.py`."""

from dataclasses import dataclass

import numpy as np

from isthmus.horizontal.fusion.averages import uniform_weights, weighted_sum
from isthmus.horizontal.fusion.spec import Scaffold
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.parameters import Updates, Vector, single


@dataclass(frozen=True)
class Control(State):
    """The state of the rule, which is sent to children with the parameters of each round."""

    control: Vector
    """Mean control of all children of the job, about the gradient of all, shape (size,)."""


def no_control(size: int) -> Control:
    """The control before the first round."""
    return Control(np.zeros(size, np.float32))


def scaffold(
    updates: Updates, control_changes: Updates, state: Control, rule: Scaffold, enrolled: int
) -> tuple[Vector, Control]:
    """Step of the master by SCAFFOLD.

    Args:
        updates: One row per child of the round, shape (children, size).
        control_changes: By how much each child's control changed in the round, likewise.
        state: From the round before.
        rule: Step.
        enrolled: Children of the job, in this round or not.

    Returns:
        The update to add, shape (size,), and the state for the next round.

    Source:
        Karimireddy et al. 2020 (ICML), algorithm 1, lines 16 and 17.
    """
    weights = uniform_weights(len(updates))
    taking_part = len(updates) / enrolled
    control = state.control + taking_part * weighted_sum(control_changes, weights)
    return single(rule.step * weighted_sum(updates, weights)), Control(single(control))
