"""How much each code was worth to the trees; only its owner can put a name to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.vertical.boosting.trees.tree import Tree


@dataclass(frozen=True)
class Importance:
    """What the splits on each code add up to, each of shape (codes,)."""

    gain: Floats
    """Gain of the splits."""

    cover: Floats
    """Sum of hessians of the rows that they part."""

    count: Integers
    """How many splits there are."""


def importance(trees: Sequence[Tree], codes: int) -> Importance:
    """Add up the splits of trees by code.

    Args:
        trees: The trees of a model.
        codes: How many codes there are.

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
