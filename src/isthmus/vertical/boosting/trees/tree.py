"""A grown tree over coded features, and what is known of every code."""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Bins, Bools, Floats, Integers


@dataclass(frozen=True)
class CodeBook:
    """What the active party knows of every feature: nothing of its name, its unit or its values."""

    owner: Integers
    """Party of each code, shape (codes,); 0 is the active party."""

    categorical: Bools
    """Whether the bins have no order, shape (codes,)."""

    bins: Integers
    """Bins of each code, the one of missing values included, which is the last; shape (codes,)."""

    monotone: Integers
    """1: the score must not fall with the code, -1: not rise, 0: free; shape (codes,)."""

    def __len__(self) -> int:
        return len(self.bins)

    def take(self, codes: Integers) -> "CodeBook":
        """The facts of some codes, in this order."""
        return CodeBook(
            self.owner[codes], self.categorical[codes], self.bins[codes], self.monotone[codes]
        )

    def starts(self, width: int) -> Bools:
        """The finest grouping: every bin is a group; shape (codes, width)."""
        return np.arange(width) < self.bins[:, None]


@dataclass(frozen=True)
class Tree:
    """A grown tree; nodes are numbered level by level, and a right child follows its left one."""

    code: Integers
    """Code that a node splits on, -1 at leaves; shape (nodes,)."""

    child: Integers
    """Left child of a node, -1 at leaves; the right one is the next; shape (nodes,)."""

    left: Bools
    """Bins that go left, shape (nodes, most bins)."""

    value: Floats
    """What a leaf adds to the score, shape (nodes,); 0 at inner nodes."""

    gain: Floats
    """What a split gains, shape (nodes,); 0 at leaves."""

    cover: Floats
    """Sum of hessians, shape (nodes,)."""

    rows: Integers
    """Sampled training rows in a node, shape (nodes,)."""

    def __len__(self) -> int:
        return len(self.code)


def leaves(tree: Tree, bins: Bins) -> Integers:
    """The leaf of each row.

    Args:
        tree: The tree.
        bins: Bin of each row in each code, in the order of the codes, shape (rows, codes).

    Returns:
        Node number of each row's leaf, shape (rows,).
    """
    rows = np.arange(len(bins))
    node = np.zeros(len(bins), np.int64)
    while (inner := tree.child[node] >= 0).any():
        went_left = tree.left[node, bins[rows, tree.code[node]]]  # at leaves: of no meaning
        node = np.where(inner, tree.child[node] + ~went_left, node)
    return node
