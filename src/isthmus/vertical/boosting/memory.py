"""Checkpoints of both roles, so that an interrupted run can continue.

The active party saves the state of training after each tree. A passive party saves every split on
its columns before it sends which rows go left. So it always has all splits of the trees that the
active party saved, and both continue after the last of these trees.
"""

import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.store import checkpoint
from isthmus.store.checkpoint import Arrays, Checkpoint
from isthmus.vertical.boosting.model import OwnSplit
from isthmus.vertical.boosting.trees.boost import BoostingState
from isthmus.vertical.boosting.trees.tree import Tree

_NODE_FACTS = tuple(each.name for each in fields(Tree))


@dataclass
class ActiveMemory:
    """The state of training after the last tree; also on disk if a path is given."""

    path: Path | None = None
    run: str = ""
    secret: int | None = None
    """Secret seed for draws of rows and codes; None before the first attempt."""

    state: BoostingState | None = None
    views: dict[str, list[NDArray[np.int16]]] = field(
        default_factory=dict[str, list[NDArray[np.int16]]]
    )
    """What each other party saw of the trees so far, in a file per tree beside the checkpoint: from
    all of it follows how well that party can tell the labels."""

    _of: str = ""

    def load(self, of: str) -> None:
        """Read the checkpoint of an earlier run, if there is one.

        Args:
            of: Digest of job, rows and columns: a checkpoint of others is refused.

        Raises:
            SpecError: The file is broken, or of another job, or of other rows or columns.
        """
        self._of = of
        saved = checkpoint.load(self.path, of) if self.path else None
        if saved is not None:
            self.run, self.secret = str(saved.facts["run"]), int(str(saved.facts["secret"]), 16)
            self.state = _state(saved.arrays) if saved.arrays else None
            self._load_views(len(self.state.trees) if self.state else 0)

    def begin(self) -> None:
        """Start from the first tree under a new name.

        The secret seed is made once and saved before anything is drawn by it: other draws in every
        attempt would tell more each time.
        """
        self.run, self.state, self.views = secrets.token_hex(16), None, {}
        if self.path is not None:
            shutil.rmtree(_views(self.path), ignore_errors=True)
        if self.secret is None:
            self.secret = secrets.randbits(128)
        self._save({})

    def keep(self, state: BoostingState, views: Mapping[str, Sequence[NDArray[np.int16]]]) -> None:
        """Save the state after a tree, before the next tree starts.

        Args:
            state: The state.
            views: What each other party saw of all trees so far.
        """
        new = {party: list(of[len(self.views.get(party, [])) :]) for party, of in views.items()}
        for party, of in new.items():
            self.views.setdefault(party, []).extend(of)
        if self.path is not None:
            folder = _views(self.path)
            folder.mkdir(mode=0o700, exist_ok=True)
            arrays = {
                f"{at}.{party}": view for party, of in new.items() for at, view in enumerate(of)
            }
            checkpoint.save(folder / f"{len(state.trees)}.npz", self._of, Checkpoint(arrays))
        self.state = state
        self._save(_arrays(state))

    def _load_views(self, trees: int) -> None:
        """Read the views of the first trees: of the next one, a view may be there already."""
        files = (
            {int(file.stem): file for file in _views(self.path).glob("*.npz")} if self.path else {}
        )
        for number in sorted(number for number in files if number <= trees):
            saved = checkpoint.load(files[number], self._of)
            for name, view in (saved.arrays if saved else {}).items():
                self.views.setdefault(name.partition(".")[2], []).append(view)

    def _save(self, arrays: Arrays) -> None:
        if self.path is not None:
            known = Checkpoint(arrays, {"run": self.run, "secret": f"{self.secret or 0:x}"})
            checkpoint.save(self.path, self._of, known)


@dataclass
class PassiveMemory:
    """The splits on this party's columns; also on disk if a path is given."""

    path: Path | None = None
    run: str = ""
    splits: list[OwnSplit] = field(default_factory=list[OwnSplit])
    _of: str = ""

    def load(self, of: str) -> None:
        """Read the checkpoint of an earlier run, if there is one.

        Args:
            of: Digest of job, rows and columns: a checkpoint of others is refused.

        Raises:
            SpecError: The file is broken, or of another job, or of other rows or columns.
        """
        self._of = of
        saved = checkpoint.load(self.path, of) if self.path else None
        if saved is not None:
            self.run = str(saved.facts["run"])
            self.splits = msgspec.json.decode(str(saved.facts["splits"]), type=list[OwnSplit])

    def begin(self, run: str, trees: int) -> None:
        """Start a run, or resume one after its finished trees.

        Args:
            run: Name of the run.
            trees: Number of its finished trees; 0 for a new run.

        Raises:
            ValueError: There are finished trees, and this party has those of another run.
        """
        if trees and run != self.run:
            raise ValueError(f"it wants to go on after tree {trees} of a run that we have not seen")
        self.run = run
        self.splits = [split for split in self.splits if split.tree < trees]
        self._keep()

    def add(self, splits: list[OwnSplit]) -> None:
        """Save splits, before anyone learns which rows go left."""
        self.splits += splits
        self._keep()

    def _keep(self) -> None:
        if self.path is not None:
            splits = msgspec.json.encode(self.splits).decode()
            known = Checkpoint({}, {"run": self.run, "splits": splits})
            checkpoint.save(self.path, self._of, known)


def _views(path: Path) -> Path:
    return path.with_name(f"{path.name}.views")


def _arrays(state: BoostingState) -> Arrays:
    """Returns the arrays of a state in which no tree is being grown."""
    joined = {
        f"tree.{name}": np.concatenate([getattr(tree, name) for tree in state.trees])
        for name in _NODE_FACTS
    }
    return joined | {
        "nodes": np.array([len(tree) for tree in state.trees]),
        "base": state.base,
        "sums": state.sums,
        "moved": state.moved,
        "losses": np.array(state.losses).reshape(-1, 2),
    }


def _state(arrays: Arrays) -> BoostingState:
    ends = np.cumsum(arrays["nodes"])[:-1]
    facts = [np.split(arrays[f"tree.{name}"], ends) for name in _NODE_FACTS]
    return BoostingState(
        base=arrays["base"],
        sums=arrays["sums"],
        moved=arrays["moved"],
        trees=tuple(Tree(*each) for each in zip(*facts, strict=True)),
        losses=tuple((float(train), float(held_out)) for train, held_out in arrays["losses"]),
    )
