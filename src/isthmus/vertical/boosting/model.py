"""The parts of a joint model: each party stores its own.

The active party has the trees, with codes for columns; each party knows the columns and bins of its
own codes. All parts of one model have the same `run`: parts of different runs do not fit together,
even if the job is the same.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from isthmus.core.arrays import Bools, Integers
from isthmus.core.errors import SpecError
from isthmus.data.binning import Binning
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import importance
from isthmus.vertical.boosting.trees.boost import Ensemble
from isthmus.vertical.boosting.trees.importance import Importance
from isthmus.vertical.boosting.trees.tree import Tree


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column of this party: its code, and the definition of its bins."""

    code: int
    binning: Binning


class OwnSplit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A split on a column of this party."""

    tree: int
    node: int
    code: int
    left: list[int]  # bins that go left


class StoredTree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tree as stored at the active party, by node: see `tree.Tree`."""

    code: list[int]
    child: list[int]
    left: list[list[int]]  # bins that go left; empty at leaves
    value: list[float]
    gain: list[float]
    cover: list[float]
    rows: list[int]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The passive party's part: the splits on its columns, but no leaf values."""

    run: str
    trees: int
    columns: list[Column]
    splits: list[OwnSplit]  # by tree, then node


class ActivePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The active party's part: all trees, and its own columns."""

    run: str
    spec: Boosting
    columns: list[Column]
    passives: dict[str, list[int]]  # codes of each other party
    bins: list[int]  # number of bins of each code
    base: list[float]
    trees: list[StoredTree]

    @property
    def ensemble(self) -> Ensemble:
        """The trees, ready to score with."""
        width = max(self.bins)
        trees = tuple(_tree(stored, width) for stored in self.trees)
        return Ensemble(np.array(self.base), trees, self.spec.forest)

    @property
    def splits(self) -> list[OwnSplit]:
        """The splits on this party's columns, by tree, then node."""
        return self.splits_on([column.code for column in self.columns])

    def splits_on(self, codes: Sequence[int]) -> list[OwnSplit]:
        """Returns the splits on some codes, by tree, then node."""
        wanted = frozenset(codes)
        return [
            OwnSplit(number, node, code, tree.left[node])
            for number, tree in enumerate(self.trees)
            for node, code in enumerate(tree.code)
            if code in wanted
        ]

    @property
    def importance(self) -> Importance:
        """The importance of each code; this party knows only the names of its own codes."""
        return importance.importance(self.ensemble.trees, len(self.bins))


def columns(binnings: Sequence[Binning], codes: Integers) -> list[Column]:
    """Returns a party's columns with their codes."""
    return [Column(*each) for each in zip(codes.tolist(), binnings, strict=True)]


def active_part(
    run: str,
    spec: Boosting,
    columns: list[Column],
    passives: Mapping[str, Integers],
    bins: Integers,
    ensemble: Ensemble,
) -> ActivePart:
    """Make the active party's part.

    Args:
        run: Name of the run, the same in all parts of this model.
        spec: The `[boosting]` table.
        columns: The active party's own columns.
        passives: Codes of each other party.
        bins: Number of bins of each code.
        ensemble: The trees.

    Returns:
        The part.
    """
    codes = {party: found.tolist() for party, found in passives.items()}
    trees = [_stored_tree(tree, bins) for tree in ensemble.trees]
    return ActivePart(run, spec, columns, codes, bins.tolist(), ensemble.base.tolist(), trees)


def check_together(active: ActivePart, passives: Mapping[str, Part]) -> None:
    """Refuse parts that are not of one model.

    Args:
        active: The active party's part.
        passives: The parts of the others, by party.

    Raises:
        SpecError: A part is missing, or of another run.
    """
    if passives.keys() != active.passives.keys():
        needed = ", ".join(active.passives)
        raise SpecError(
            f"this model has parts at {needed} besides the active party's own: bring each of them."
        )
    for party, part in passives.items():
        ours = active.splits_on(active.passives[party])
        if part.run != active.run or part.splits != ours:
            raise SpecError(
                f"the part of {party!r} is of another run: a model is scored with the parts that "
                "were trained together. Ask them for the part of the same run."
            )


def _stored_tree(tree: Tree, bins: Integers) -> StoredTree:
    lefts = [
        np.flatnonzero(left[: bins[code]]).tolist() if code >= 0 else []
        for code, left in zip(tree.code.tolist(), tree.left, strict=True)
    ]
    return StoredTree(
        code=tree.code.tolist(),
        child=tree.child.tolist(),
        left=lefts,
        value=tree.value.tolist(),
        gain=tree.gain.tolist(),
        cover=tree.cover.tolist(),
        rows=tree.rows.tolist(),
    )


def _tree(stored: StoredTree, width: int) -> Tree:
    return Tree(
        code=np.array(stored.code),
        child=np.array(stored.child),
        left=bins_left(stored.left, width),
        value=np.array(stored.value),
        gain=np.array(stored.gain),
        cover=np.array(stored.cover),
        rows=np.array(stored.rows),
    )


def bins_left(lists: Sequence[Sequence[int]], width: int) -> Bools:
    """Convert lists of bins that go left to a mask, shape (lists, width)."""
    mask = np.zeros((len(lists), width), np.bool_)
    for row, bins in zip(mask, lists, strict=True):
        row[list(bins)] = True
    return mask
