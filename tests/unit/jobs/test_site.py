"""What a party has when the rounds are over."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.course import Round, Taken
from isthmus.horizontal.parameters import digest
from isthmus.jobs.site import EPSILON, Ended

PARAMETERS = {"layer.0/bias": np.full((), 0.1, np.float32), "w": np.ones((2, 3), np.float32)}
ROUND = Round({"a": Taken(3, "0" * 64, {"loss": 0.1}, 1.0)}, {"b": "late"}, "1" * 64)


class TestEnded:
    def test_comes_back_from_disk_as_it_was(self, tmp_path: Path) -> None:
        ended = Ended(PARAMETERS, digest(PARAMETERS), 1, (ROUND,), ("a",))
        ended.keep(tmp_path / "trained.npz", "job")
        again = Ended.kept(tmp_path / "trained.npz", "job")
        assert again is not None
        assert digest(again.parameters) == again.model == ended.model
        assert (again.count, again.rounds, again.holders) == (1, (ROUND,), ("a",))

    def test_of_a_child_comes_back_with_what_it_said_of_its_training(self, tmp_path: Path) -> None:
        ended = Ended(PARAMETERS, digest(PARAMETERS), 2, metrics={EPSILON: 1.5})
        ended.keep(tmp_path / "trained.npz", "job")
        again = Ended.kept(tmp_path / "trained.npz", "job")
        assert again is not None
        assert again.metrics == {EPSILON: 1.5}

    def test_is_not_there_before_training_has_ended(self, tmp_path: Path) -> None:
        assert Ended.kept(tmp_path / "trained.npz", "job") is None

    def test_of_another_job_is_refused(self, tmp_path: Path) -> None:
        Ended(PARAMETERS, digest(PARAMETERS), 1).keep(tmp_path / "trained.npz", "job")
        with pytest.raises(SpecError, match="belongs to another job"):
            Ended.kept(tmp_path / "trained.npz", "another")
