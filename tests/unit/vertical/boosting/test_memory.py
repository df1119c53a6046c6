"""What parties keep of a run that was cut off."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.vertical.boosting.memory import ActiveMemory, PassiveMemory
from isthmus.vertical.boosting.model import OwnSplit
from isthmus.vertical.boosting.pooled import train_pooled
from isthmus.vertical.boosting.trees.boost import BoostingState
from tests.coded import RANDOMNESS, Run, a_data, a_spec

SPLITS = [
    OwnSplit(tree=tree, node=node, code=3, left=[0, 2]) for tree in range(3) for node in (0, 1)
]


def a_state() -> BoostingState:
    return train_pooled(Run(a_spec(trees=3), a_data()).rows(), a_spec(trees=3), RANDOMNESS).state


class TestTheActiveParty:
    def test_has_the_same_course_after_a_restart(self, tmp_path: Path) -> None:
        before, state = ActiveMemory(tmp_path / "kept"), a_state()
        before.load("rows")
        before.begin()
        before.keep(state, {})
        after = ActiveMemory(tmp_path / "kept")
        after.load("rows")
        assert (after.run, after.secret) == (before.run, before.secret)
        assert after.state is not None
        for name in ("base", "sums", "moved"):
            assert np.array_equal(getattr(after.state, name), getattr(state, name))
        assert np.array_equal(after.state.losses, state.losses, equal_nan=True)
        for ours, theirs in zip(after.state.trees, state.trees, strict=True):
            for name, values in vars(ours).items():
                assert np.array_equal(values, getattr(theirs, name))
                assert values.dtype == getattr(theirs, name).dtype

    def test_has_what_others_saw_of_the_trees_that_it_goes_on_from(self, tmp_path: Path) -> None:
        memory, state = ActiveMemory(tmp_path / "kept"), a_state()
        memory.load("rows")
        memory.begin()
        seen = [np.full(4, tree, np.int16) for tree in range(3)]
        for trees in (1, 2, 3):
            before = (tmp_path / "kept").read_bytes()
            grown = replace(state, trees=state.trees[:trees])
            memory.keep(grown, {"insurer": seen[:trees], "pharmacy": seen[1:trees]})
        (tmp_path / "kept").write_bytes(before)  # it was killed when only the view was on disk
        after = ActiveMemory(tmp_path / "kept")
        after.load("rows")
        assert [view.tolist() for view in after.views["insurer"]] == [[0] * 4, [1] * 4]
        assert [view.tolist() for view in after.views["pharmacy"]] == [[1] * 4]
        after.begin()
        again = ActiveMemory(tmp_path / "kept")
        again.load("rows")
        assert not again.views

    def test_has_one_secret_seed_in_all_attempts(self, tmp_path: Path) -> None:
        before, after = ActiveMemory(tmp_path / "kept"), ActiveMemory(tmp_path / "kept")
        before.load("rows")
        before.begin()  # and stops before its first tree
        after.load("rows")
        after.begin()
        assert after.secret == before.secret
        assert after.run != before.run
        assert after.state is None

    def test_names_every_run_differently(self) -> None:
        memories = [ActiveMemory(), ActiveMemory()]
        for memory in memories:
            memory.begin()
        assert memories[0].run != memories[1].run
        assert memories[0].secret != memories[1].secret

    def test_goes_on_from_nothing_else(self, tmp_path: Path) -> None:
        memory = ActiveMemory(tmp_path / "kept")
        memory.load("rows")
        memory.keep(a_state(), {})
        with pytest.raises(SpecError, match="belongs to another job"):
            ActiveMemory(tmp_path / "kept").load("other rows")


class TestAPassiveParty:
    def kept(self, path: Path) -> PassiveMemory:
        memory = PassiveMemory(path)
        memory.load("rows")
        return memory

    def test_has_all_splits_after_a_restart(self, tmp_path: Path) -> None:
        before = self.kept(tmp_path / "kept")
        before.begin("run", 0)
        before.add(SPLITS[:2])
        before.add(SPLITS[2:])
        after = self.kept(tmp_path / "kept")
        assert (after.run, after.splits) == ("run", SPLITS)

    def test_forgets_trees_that_are_not_finished(self, tmp_path: Path) -> None:
        memory = self.kept(tmp_path / "kept")
        memory.begin("run", 0)
        memory.add(SPLITS)
        self.kept(tmp_path / "kept").begin("run", 2)
        assert self.kept(tmp_path / "kept").splits == SPLITS[:4]

    def test_begins_any_run_but_goes_on_with_its_own_only(self) -> None:
        memory = PassiveMemory()
        memory.begin("one", 0)
        memory.add(SPLITS)
        with pytest.raises(ValueError, match="after tree 1 of a run that we have not seen"):
            memory.begin("another", 1)
        memory.begin("another", 0)
        assert memory.splits == []

    def test_goes_on_from_nothing_else(self, tmp_path: Path) -> None:
        self.kept(tmp_path / "kept").begin("run", 0)
        with pytest.raises(SpecError, match="belongs to another job"):
            PassiveMemory(tmp_path / "kept").load("other rows")
