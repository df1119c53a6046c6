"""What master and children keep of rounds."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.parameters import Parameters, digest
from isthmus.horizontal.rounds.memory import ChildMemory, LastUpdate, MasterMemory
from isthmus.horizontal.rounds.training import ContributionRecord, Round, TrainingState

PARAMETERS: Parameters = {
    "layer.0/bias": np.full((), 0.1, np.float32),
    "w": np.arange(6, dtype=np.float32).reshape(2, 3) / np.float32(7),
}
ROUND = Round(
    taken={
        "a": ContributionRecord(samples=3, digest="0" * 64, metrics={"loss": 0.1}, weight=1 / 3)
    },
    left_out={"b": "late since round 1"},
    model="1" * 64,
)


class TestMasterMemory:
    def test_comes_back_from_disk_as_it_was(self, tmp_path: Path) -> None:
        state = {"parameters.w": np.array([1, 2]), "momentum": np.array([0.1, 0.7])}
        training = TrainingState(PARAMETERS, state, (ROUND, ROUND), done=True)
        MasterMemory(tmp_path / "master", "job").keep(training)
        again = MasterMemory(tmp_path / "master", "job")
        again.load()
        assert again.state is not None
        assert digest(again.state.parameters) == digest(PARAMETERS)
        assert again.state.rule_state.keys() == state.keys()
        assert np.array_equal(again.state.rule_state["momentum"], state["momentum"])
        assert again.state.rounds == (ROUND, ROUND)
        assert again.state.done is True

    def test_of_another_job_is_refused(self, tmp_path: Path) -> None:
        MasterMemory(tmp_path / "master", "job").keep(TrainingState(PARAMETERS))
        with pytest.raises(SpecError, match="belongs to another job"):
            MasterMemory(tmp_path / "master", "another").load()

    def test_is_empty_where_there_is_no_file(self, tmp_path: Path) -> None:
        memory = MasterMemory(tmp_path / "master", "job")
        memory.load()
        assert memory.state is None


class TestChildMemory:
    def test_comes_back_from_disk_as_it_was(self, tmp_path: Path) -> None:
        last = LastUpdate(4, "2" * 64, dict(PARAMETERS), {"loss": 0.1}, opened="3" * 64)
        ChildMemory(tmp_path / "a", "job").keep(last, {"speed": np.array(0.3)})
        again = ChildMemory(tmp_path / "a", "job")
        again.load()
        assert again.last is not None
        assert again.last[:2] == (4, "2" * 64)
        assert digest(again.last.update) == digest(PARAMETERS)
        assert again.last.metrics == {"loss": 0.1}
        assert again.last.opened == "3" * 64
        assert again.state["speed"] == 0.3

    def test_counts_the_rounds_that_the_child_has_trained_in(self, tmp_path: Path) -> None:
        memory = ChildMemory(tmp_path / "a", "job")
        for number, opened in ((4, ""), (4, "3" * 64), (6, "")):
            memory.keep(LastUpdate(number, "2" * 64, dict(PARAMETERS), {}, opened), {})
        again = ChildMemory(tmp_path / "a", "job")
        again.load()
        assert again.rounds == 2

    def test_recalls_an_update_for_its_round_over_its_parameters_only(self) -> None:
        memory = ChildMemory()
        assert memory.recall(4, "2" * 64) is None
        last = LastUpdate(4, "2" * 64, dict(PARAMETERS), {})
        memory.keep(last, {})
        assert memory.recall(4, "2" * 64) is last
        assert memory.recall(5, "2" * 64) is None
        assert memory.recall(4, "3" * 64) is None
