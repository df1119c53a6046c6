"""A grown tree over codes, and the facts about every code."""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Bins, Bools, Floats, Integers


@dataclass(frozen=True)
class CodeBook:
    """The facts about every code that the active party knows: no names, no units, no values."""

    owner: Integers
    """Party of each code, shape (codes,); 0 is the active party."""

    categorical: Bools
    """Whether a code is categorical, so that its bins have no order, shape (codes,)."""

    bins: Integers
    """Number of bins of each code, with the last one for missing values; shape (codes,)."""

    monotone: Integers
    """1: the score must not fall with the code, -1: not rise, 0: no constraint; shape (codes,)."""

    def __len__(self) -> int:
        return len(self.bins)

    def take(self, codes: Integers) -> "CodeBook":
        """Returns the facts about some codes, in this order."""
        return CodeBook(
            self.owner[codes], self.categorical[codes], self.bins[codes], self.monotone[codes]
        )

    def starts(self, width: int) -> Bools:
        """Returns the finest grouping, in which every bin is a group; shape (codes, width)."""
        return np.arange(width) < self.bins[:, None]


@dataclass(frozen=True)
class Tree:
    """A grown tree. Nodes are numbered level by level; a right child comes after its left one."""

    code: Integers
    """Code that a node splits on, -1 at leaves; shape (nodes,)."""

    child: Integers
    """Left child of a node, -1 at leaves; the right one is the next; shape (nodes,)."""

    left: Bools
    """Bins that go left, shape (nodes, most bins)."""

    value: Floats
    """Value of each leaf, shape (nodes,); 0 at inner nodes."""

    gain: Floats
    """Gain of each split, shape (nodes,); 0 at leaves."""

    cover: Floats
    """Sum of hessians, shape (nodes,)."""

    rows: Integers
    """Number of sampled training rows in each node, shape (nodes,)."""

    def __len__(self) -> int:
        return len(self.code)


def leaves(tree: Tree, bins: Bins) -> Integers:
    """Returns the leaf of each row.

    Args:
        tree: The tree.
        bins: Bin of each row in each code, in the order of the codes, shape (rows, codes).

    Returns:
        Node number of each row's leaf, shape (rows,).
    """
    rows = np.arange(len(bins))
    node = np.zeros(len(bins), np.int64)
    while (inner := tree.child[node] >= 0).any():
        went_left = tree.left[node, bins[rows, tree.code[node]]]  # meaningless at leaves
        node = np.where(inner, tree.child[node] + ~went_left, node)
    return node
