"""Rounds in one process give what rounds over lines give."""

import numpy as np

from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.rounds.in_process import federate
from isthmus.horizontal.rounds.local_training import LocalTrainer
from isthmus.horizontal.rounds.training import Contribution, Training
from isthmus.horizontal.spec import Rounds
from tests.federation import ENCODER, INITIAL, Federation, learner, mean, shift, trainer_of

STEPS = {"a": 1.0, "b": 2.0, "c": -4.0}


def trainers() -> dict[str, LocalTrainer]:
    found = {name: trainer_of(shift(by), samples=3)(ENCODER) for name, by in STEPS.items()}
    return {name: it for name, it in found.items() if isinstance(it, LocalTrainer)}


class TestFederate:
    def test_equals_the_same_rounds_over_lines(self) -> None:
        state = federate(Training(ENCODER, INITIAL, mean), trainers(), 4, Telemetry())
        roles = {name: learner(trainer_of(shift(by), samples=3)) for name, by in STEPS.items()}
        trained = Federation.of(roles).play(Rounds(count=4, quorum=3, deadline=30.0))
        assert digest(state.parameters) == trained.model
        assert state.rounds == trained.rounds

    def test_leaves_out_what_the_master_refuses(self) -> None:
        def examine(given: Contribution) -> str:
            return "it goes down" if given.update["bias"] < 0 else ""

        state = federate(
            Training(ENCODER, INITIAL, mean, examine=examine), trainers(), 1, Telemetry()
        )
        assert state.rounds[0].left_out == {"c": "refused: it goes down"}
        assert np.isclose(state.parameters["bias"], 1.5)

    def test_ends_when_the_fusion_says_so(self) -> None:
        training = Training(ENCODER, INITIAL, lambda *brought: mean(*brought)._replace(done=True))
        assert len(federate(training, trainers(), 9, Telemetry()).rounds) == 1
