"""Scoring with a joint model: owners evaluate their own splits, the active party finds the leaves.

Each owner sends for all its splits at once whether a row would go left. So one exchange is enough,
and an owner does not learn which of its splits are on the row's path: only the active party does.
`Decider` and `Scorer` are made once, and score whole tables or single rows.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.data.table import Table
from isthmus.vertical.boosting import coding, model
from isthmus.vertical.boosting.model import ActivePart, Column, OwnSplit, Part
from isthmus.vertical.boosting.trees import objective


class Decider:
    """Evaluates the splits on one party's columns."""

    def __init__(self, columns: Sequence[Column], splits: Sequence[OwnSplit]) -> None:
        """Prepare the splits.

        Args:
            columns: The party's columns with their codes.
            splits: The splits on these columns.
        """
        self._binnings = [column.binning for column in columns]
        position = {column.code: at for at, column in enumerate(columns)}
        self._column = np.array([position[split.code] for split in splits], np.int64)
        width = max((binning.bins for binning in self._binnings), default=1)
        self._left = model.bins_left([split.left for split in splits], width)

    def __call__(self, table: Table) -> Bools:
        """Returns whether each row goes left at each split.

        Args:
            table: Rows with this party's columns.

        Returns:
            Shape (rows, splits), the splits by tree, then node.

        Raises:
            SpecError: The table has other columns.
        """
        bins = coding.encode(self._binnings, table)
        return self._left[np.arange(len(self._column)), bins[:, self._column]]


class Scorer:
    """Finds the leaves of rows, and adds up their values, at the active party."""

    def __init__(self, part: ActivePart) -> None:
        """Prepare the active party's part of the model."""
        self._spec = part.spec
        self._ensemble = part.ensemble
        self._decide = Decider(part.columns, part.splits)
        trees = self._ensemble.trees
        self._roots = np.cumsum([0, *(len(tree) for tree in trees)])[:-1]
        rooted = zip(trees, self._roots, strict=True)
        children = [np.where(tree.child >= 0, tree.child + root, -1) for tree, root in rooted]
        self._child = np.concatenate([np.empty(0, np.int64), *children])
        self._ours = self._positions(part.splits)
        self._theirs = {
            party: self._positions(part.splits_on(codes)) for party, codes in part.passives.items()
        }

    @property
    def outputs(self) -> int:
        """Scores of a row: one per class of a multiclass label, else one."""
        return self._spec.outputs

    def splits(self, party: str) -> int:
        """Returns the number of splits on columns of another party."""
        return len(self._theirs[party])

    def __call__(self, table: Table, theirs: Mapping[str, Bools]) -> Floats:
        """Returns expected labels, or probabilities of classes.

        Args:
            table: The active party's columns of some rows.
            theirs: Result of the `Decider` of each other party for the same rows.

        Returns:
            Shape (outputs, rows).

        Raises:
            SpecError: The table has other columns.
        """
        went_left = np.zeros((len(table), len(self._child)), np.bool_)
        went_left[:, self._ours] = self._decide(table)
        for party, decisions in theirs.items():
            went_left[:, self._theirs[party]] = decisions
        score = self._ensemble.score(self._leaves(went_left))
        return objective.prediction(score, self._spec)

    def _leaves(self, went_left: Bools) -> Integers:
        """Returns the leaf of each row in each tree, shape (trees, rows)."""
        rows = np.arange(len(went_left))
        node = np.tile(self._roots[:, None], len(rows))
        while ((child := self._child[node]) >= 0).any():
            node = np.where(child >= 0, child + ~went_left[rows, node], node)
        leaves: Integers = node - self._roots[:, None]
        return leaves

    def _positions(self, splits: Sequence[OwnSplit]) -> Integers:
        """Returns the positions of split nodes among the nodes of all trees."""
        return np.array([self._roots[split.tree] + split.node for split in splits], np.int64)


def together(
    active: ActivePart, passives: Mapping[str, Part], table: Table, theirs: Mapping[str, Table]
) -> Floats:
    """Score with all parts of a model in one place.

    Args:
        active: The active party's part.
        passives: The parts of the others, by party.
        table: The active party's columns of some rows.
        theirs: The others' columns of the same rows, by party.

    Returns:
        Expected labels, or probabilities of classes, shape (outputs, rows).

    Raises:
        SpecError: The parts are not of one model, or a table has other columns.
    """
    model.check_together(active, passives)
    decisions = {
        party: Decider(part.columns, part.splits)(theirs[party]) for party, part in passives.items()
    }
    return Scorer(active)(table, decisions)
