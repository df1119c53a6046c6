"""Where rows of a tree end."""

import numpy as np

from isthmus.vertical.boosting.trees.tree import Tree, leaves


def stump(code: int, left: list[bool]) -> Tree:
    return Tree(
        code=np.array([code, -1, -1]),
        child=np.array([1, -1, -1]),
        left=np.array([left, [False] * len(left), [False] * len(left)]),
        value=np.array([0.0, 1.0, -1.0]),
        gain=np.zeros(3),
        cover=np.zeros(3),
        rows=np.zeros(3, np.int64),
    )


class TestLeaves:
    def test_are_where_the_bins_lead(self) -> None:
        tree, bins = stump(1, [True, False, True]), np.array([[0, 0], [0, 1], [0, 2]], np.int8)
        assert leaves(tree, bins).tolist() == [1, 2, 1]

    def test_of_a_tree_without_splits_are_its_root(self) -> None:
        root = Tree(
            *(np.array([-1]),) * 2,
            np.zeros((1, 2), np.bool_),
            *(np.zeros(1),) * 3,
            np.zeros(1, np.int64),
        )
        assert leaves(root, np.zeros((2, 1), np.int8)).tolist() == [0, 0]
