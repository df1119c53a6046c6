"""What codes were worth."""

import numpy as np

from isthmus.vertical.boosting.trees.importance import importance
from isthmus.vertical.boosting.trees.tree import Tree


def test_adds_up_the_splits_on_each_code() -> None:
    tree = Tree(
        code=np.array([2, 0, -1, -1, -1]),
        child=np.array([1, 3, -1, -1, -1]),
        left=np.zeros((5, 2), np.bool_),
        value=np.zeros(5),
        gain=np.array([5.0, 3.0, 0.0, 0.0, 0.0]),
        cover=np.array([10.0, 6.0, 4.0, 2.0, 4.0]),
        rows=np.array([40, 24, 16, 8, 16]),
    )
    found = importance([tree, tree], codes=4)
    assert found.gain.tolist() == [6, 0, 10, 0]
    assert found.cover.tolist() == [12, 0, 20, 0]
    assert found.count.tolist() == [2, 0, 2, 0]
