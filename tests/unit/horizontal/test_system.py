"""The result of training at one party."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.rounds.training import ContributionRecord, Round
from isthmus.horizontal.system import EPSILON, RoundsOutcome

PARAMETERS = {"layer.0/bias": np.full((), 0.1, np.float32), "w": np.ones((2, 3), np.float32)}
ROUND = Round({"a": ContributionRecord(3, "0" * 64, {"loss": 0.1}, 1.0)}, {"b": "late"}, "1" * 64)


class TestRoundsOutcome:
    def test_comes_back_from_disk_as_it_was(self, tmp_path: Path) -> None:
        outcome = RoundsOutcome(PARAMETERS, digest(PARAMETERS), 1, (ROUND,), ("a",))
        outcome.save(tmp_path / "trained.npz", "job")
        again = RoundsOutcome.load(tmp_path / "trained.npz", "job")
        assert again is not None
        assert digest(again.parameters) == again.model == outcome.model
        assert (again.count, again.rounds, again.holders) == (1, (ROUND,), ("a",))

    def test_of_a_child_comes_back_with_what_it_said_of_its_training(self, tmp_path: Path) -> None:
        outcome = RoundsOutcome(PARAMETERS, digest(PARAMETERS), 2, metrics={EPSILON: 1.5})
        outcome.save(tmp_path / "trained.npz", "job")
        again = RoundsOutcome.load(tmp_path / "trained.npz", "job")
        assert again is not None
        assert again.metrics == {EPSILON: 1.5}

    def test_is_not_there_before_training_has_ended(self, tmp_path: Path) -> None:
        assert RoundsOutcome.load(tmp_path / "trained.npz", "job") is None

    def test_of_another_job_is_refused(self, tmp_path: Path) -> None:
        RoundsOutcome(PARAMETERS, digest(PARAMETERS), 1).save(tmp_path / "trained.npz", "job")
        with pytest.raises(SpecError, match="belongs to another job"):
            RoundsOutcome.load(tmp_path / "trained.npz", "another")
