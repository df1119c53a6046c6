"""Feature importance by code; only the owner of a code knows the name of its column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.vertical.boosting.trees.tree import Tree


@dataclass(frozen=True)
class Importance:
    """Gain, cover and count of the splits on each code, each of shape (codes,)."""

    gain: Floats
    """Sum of the gains of the splits."""

    cover: Floats
    """Sum of the hessians of the rows that are split."""

    count: Integers
    """Number of splits."""


def importance(trees: Sequence[Tree], codes: int) -> Importance:
    """Add up the splits of trees by code.

    Args:
        trees: The trees of a model.
        codes: Number of codes.

    Returns:
        Gain, cover and count of each code; 0 for a code that no tree splits on.
    """
    found = Importance(np.zeros(codes), np.zeros(codes), np.zeros(codes, np.int64))
    for tree in trees:
        inner = tree.code >= 0
        np.add.at(found.gain, tree.code[inner], tree.gain[inner])
        np.add.at(found.cover, tree.code[inner], tree.cover[inner])
        np.add.at(found.count, tree.code[inner], 1)
    return found
