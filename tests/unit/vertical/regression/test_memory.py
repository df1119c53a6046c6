"""Rounds that a party keeps for after a failure."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.vertical.regression.memory import Memory, Round


def three_rounds(path: Path) -> Memory:
    memory = Memory(path, "digest")
    for number in (1, 2, 3):
        memory.rounds.append(Round(loss=1.0 / number, gradient_norm=0.1))
        memory.add(weights=np.array([number, -number], dtype=float), square=np.array(0.5))
    return memory


def weights(memory: Memory) -> list[float]:
    return [float(weight) for weight in memory.last()["weights"]]


class TestMemory:
    def test_is_the_same_after_a_restart(self, tmp_path: Path) -> None:
        before = three_rounds(tmp_path / "checkpoint.npz")
        after = Memory(tmp_path / "checkpoint.npz", "digest")
        after.load()
        assert len(after) == 3
        assert weights(after) == [3.0, -3.0]
        assert float(after.last()["square"]) == 0.5
        assert after.rounds == before.rounds

    def test_forgets_a_round_that_the_other_party_does_not_have(self, tmp_path: Path) -> None:
        memory = three_rounds(tmp_path / "checkpoint.npz")
        memory.rewind(2)
        assert len(memory) == len(memory.rounds) == 2
        assert weights(memory) == [2.0, -2.0]

    @pytest.mark.parametrize(("theirs", "common"), [(4, 3), (3, 3), (2, 2), (1, 0), (0, 0), (9, 0)])
    def test_knows_the_last_round_that_both_parties_have_kept(
        self, theirs: int, common: int, tmp_path: Path
    ) -> None:
        memory = three_rounds(tmp_path / "checkpoint.npz")
        assert memory.common([theirs]) == common
        assert memory.can_go_on_after(common)

    def test_goes_on_after_no_round_that_it_has_not_kept(self, tmp_path: Path) -> None:
        memory = three_rounds(tmp_path / "checkpoint.npz")
        assert not memory.can_go_on_after(1)
        assert not memory.can_go_on_after(4)

    def test_of_another_job_is_refused(self, tmp_path: Path) -> None:
        three_rounds(tmp_path / "checkpoint.npz")
        with pytest.raises(SpecError, match="belongs to another job"):
            Memory(tmp_path / "checkpoint.npz", "another digest").load()

    def test_of_nobody_is_empty(self, tmp_path: Path) -> None:
        memory = Memory(tmp_path / "checkpoint.npz", "digest")
        memory.load()
        assert len(memory) == 0
        assert not memory.last()


class TestGradients:
    def test_of_rounds_that_are_done_again_are_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / "checkpoint.npz"
        first, second = np.array([1.0, 2.0]), np.array([3.0, 4.0])
        before = Memory(path, "digest")
        before.check_gradient(0, first)
        before.add(weights=np.zeros(2))
        before.check_gradient(1, second)

        after = Memory(path, "digest")
        after.load()
        assert len(after) == 1
        after.rewind(0)
        after.check_gradient(0, first)
        after.check_gradient(1, second)
        after.check_gradient(2, first)

    @pytest.mark.parametrize("place", [0, 1])
    def test_that_differ_in_the_last_bit_are_refused(self, place: int, tmp_path: Path) -> None:
        path = tmp_path / "checkpoint.npz"
        before = Memory(path, "digest")
        for number in range(2):
            before.check_gradient(number, np.array([number + 1.0]))
        after = Memory(path, "digest")
        after.load()
        with pytest.raises(ValueError, match="another gradient than before the run was cut off"):
            after.check_gradient(place, np.array([np.nextafter(place + 1.0, 9.0)]))
