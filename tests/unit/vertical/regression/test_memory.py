"""Rounds that a party keeps for after a failure."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.vertical.regression.memory import Memory, Round


def three_rounds(path: Path) -> Memory:
    memory = Memory(path, "digest")
    for number in range(3):
        memory.rounds.append(Round(loss=1.0 / (number + 1), gradient_norm=0.1))
        memory.add(np.array([number, -number], dtype=float))
    return memory


class TestMemory:
    def test_starts_from_what_it_is_given(self) -> None:
        assert Memory().last(np.array([7.0])).tolist() == [7.0]

    def test_is_the_same_after_a_restart(self, tmp_path: Path) -> None:
        before = three_rounds(tmp_path / "checkpoint.npz")
        after = Memory(tmp_path / "checkpoint.npz", "digest")
        after.load()
        assert len(after) == 3
        assert after.last(np.zeros(2)).tolist() == [2.0, -2.0]
        assert after.rounds == before.rounds

    def test_forgets_rounds_that_the_other_party_does_not_have(self, tmp_path: Path) -> None:
        memory = three_rounds(tmp_path / "checkpoint.npz")
        memory.rewind(1)
        assert len(memory) == len(memory.rounds) == 1
        assert memory.last(np.zeros(2)).tolist() == [0.0, 0.0]

    def test_of_another_job_is_refused(self, tmp_path: Path) -> None:
        three_rounds(tmp_path / "checkpoint.npz")
        with pytest.raises(SpecError, match="belongs to another job"):
            Memory(tmp_path / "checkpoint.npz", "another digest").load()

    def test_of_nobody_is_empty(self, tmp_path: Path) -> None:
        memory = Memory(tmp_path / "checkpoint.npz", "digest")
        memory.load()
        assert len(memory) == 0
