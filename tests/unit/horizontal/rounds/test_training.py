"""The state of training at the master."""

import numpy as np
import pytest

from isthmus.core.errors import JobError
from isthmus.horizontal.parameters import Parameters, digest
from isthmus.horizontal.rounds.training import Contribution, Fused, TrainingState


def parameters(value: float) -> Parameters:
    return {"bias": np.full((), value, np.float32), "w": np.full((2, 3), value, np.float32)}


BROUGHT = Contribution("a", 7, parameters(0.5), {"loss": 0.25})


class TestAfter:
    def test_a_round_it_notes_who_brought_what_and_what_came_of_it(self) -> None:
        fused = Fused(parameters(1.0), {"a": np.float64(1.0)}, {"memory": np.ones(2)}, done=True)
        state = TrainingState(parameters(0.0)).after([BROUGHT], fused, {"b": "gone"})
        (record,) = state.rounds
        note = record.taken["a"]
        assert (note.samples, note.weight, note.metrics) == (7, 1.0, {"loss": 0.25})
        assert note.digest == digest(parameters(0.5))
        assert record.left_out == {"b": "gone"}
        assert record.model == digest(state.parameters) == digest(parameters(1.0))
        assert state.rule_state.keys() == {"memory"}
        assert state.done

    def test_a_rule_without_weights_it_notes_none(self) -> None:
        state = TrainingState(parameters(0.0)).after([BROUGHT], Fused(parameters(1.0)), {})
        assert state.rounds[0].taken["a"].weight is None

    def test_numbers_without_axes_are_still_arrays(self) -> None:
        fused = Fused({"bias": np.float32(1.0), "w": parameters(1.0)["w"]})  # type: ignore[dict-item]
        state = TrainingState(parameters(0.0)).after([BROUGHT], fused, {})
        assert isinstance(state.parameters["bias"], np.ndarray)

    def test_parameters_that_overflow_it_stops(self) -> None:
        with pytest.raises(JobError, match="round 1 are not finite numbers"):
            TrainingState(parameters(0.0)).after([BROUGHT], Fused(parameters(np.inf)), {})

    def test_another_encoder_it_stops(self) -> None:
        with pytest.raises(ValueError, match="'w' is missing"):
            TrainingState(parameters(0.0)).after(
                [BROUGHT], Fused({"bias": np.ones((), np.float32)}), {}
            )
