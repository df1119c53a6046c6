"""How a child trains in one round."""

from collections.abc import Mapping

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.messages import RoundStart
from isthmus.horizontal.parameters import Layout, Parameters
from isthmus.horizontal.rounds.local_training import LocalTrainer, Train
from isthmus.horizontal.rounds.memory import ChildMemory

START: Parameters = {"bias": np.ones((), np.float32), "w": np.ones(2, np.float32)}
FIRST = RoundStart(round=1, parameters=START)


def trainer(train: Train) -> LocalTrainer:
    return LocalTrainer(samples=5, layout=Layout.of(START), train=train)


def doubling(parameters: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
    trained = {name: np.asarray(2 * array) for name, array in parameters.items()}
    return trained, {"loss": np.float64(0.5), "auc": float("nan"), "round": number}


class TestUpdate:
    def test_is_what_training_adds(self) -> None:
        update = trainer(doubling).update(FIRST, ChildMemory())
        assert update.round == 1
        assert update.update["bias"] == 1.0
        assert isinstance(update.update["bias"], np.ndarray)
        assert update.update["w"].tolist() == [1.0, 1.0]

    def test_leaves_out_metrics_that_are_no_numbers(self) -> None:
        assert trainer(doubling).update(FIRST, ChildMemory()).metrics == {"loss": 0.5, "round": 1.0}

    def test_is_made_once_for_the_same_start(self) -> None:
        rounds: list[int] = []

        def train(parameters: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
            rounds.append(number)
            return doubling(parameters, number)

        memory, ours = ChildMemory(), trainer(train)
        first = ours.update(FIRST, memory)
        assert ours.update(FIRST, memory) is first
        ours.update(RoundStart(round=2, parameters=START), memory)
        moved = {name: np.asarray(array + 1) for name, array in START.items()}
        ours.update(RoundStart(round=2, parameters=moved), memory)
        assert rounds == [1, 2, 2]

    @pytest.mark.parametrize(
        ("trained", "flaw"),
        [
            ({**START, "w": np.full(2, np.nan, np.float32)}, "numbers that are not finite"),
            ({**START, "w": np.ones(3, np.float32)}, r"'w' has shape \(3,\) where \(2,\) was due"),
            ({**START, "w": np.ones(2)}, "'w' holds float64 where float32 was due"),
            ({"w": START["w"]}, "'bias' is missing"),
        ],
        ids=["nan", "shape", "double", "missing"],
    )
    def test_does_not_leave_where_training_went_wrong(self, trained: Parameters, flaw: str) -> None:
        memory = ChildMemory()
        with pytest.raises(SpecError, match=f"training in round 1 gave {flaw}; nothing was sent"):
            trainer(lambda _, __: (trained, {})).update(FIRST, memory)
        assert memory.last is None
