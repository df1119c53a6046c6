"""Rounds without messages: a master and hundreds of children in one process, for research."""

from collections.abc import Mapping

from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.messages import RoundStart
from isthmus.horizontal.parameters import Layout
from isthmus.horizontal.rounds import updates
from isthmus.horizontal.rounds.local_training import LocalTrainer
from isthmus.horizontal.rounds.memory import ChildMemory
from isthmus.horizontal.rounds.training import Contribution, Training, TrainingState
from isthmus.horizontal.tables import Tables


def federate(
    training: Training, trainers: Mapping[str, LocalTrainer], count: int, telemetry: Telemetry
) -> TrainingState:
    """Train as a master and its children would if every child were there in every round.

    Args:
        training: What is trained, and the rule that fuses a round's updates; the rule sees each
            update, also where secure aggregation would show it their sum only.
        trainers: Of each child, by name.
        count: Most rounds; the fusion may end it earlier.
        telemetry: Where progress goes.

    Returns:
        The state of training, with the same numbers as `protocol.master` would have.

    Raises:
        JobError: The fused parameters are not finite, or the rule cannot fuse so few children.
        SpecError: A child cannot train.
    """
    state = TrainingState(training.initial)
    layout = Layout.of(training.initial)
    tables = Tables(layout, training.tables)
    while not state.done and len(state.rounds) < count:
        number = len(state.rounds) + 1
        start = RoundStart(round=number, parameters=state.parameters)
        taken = list[Contribution]()
        left_out = dict[str, str]()
        for child, trainer in sorted(trainers.items()):
            last = trainer.update(start, ChildMemory())
            answer = updates.to_message(last, training.compression, tables)
            given = updates.from_message(child, trainer.samples, answer, layout, tables)
            if flaw := training.examine(given):
                left_out[child] = f"refused: {flaw}"
            else:
                taken.append(given)
        fused = training.fuse(state.parameters, taken, state.rule_state)
        state = state.after(taken, fused, left_out)
        telemetry.progress("train", number, count, children=len(taken))
    return state
