"""What the leaves of a grown tree say."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import grow, leaves
from isthmus.vertical.boosting.trees.gradients import Units
from isthmus.vertical.boosting.trees.grow import Growth
from isthmus.vertical.boosting.trees.source import Sample
from tests.unit.vertical.boosting.small import book

UNITS = Units(2.0**-20, 2.0**-20)
ROWS = 6


def sample() -> Sample:
    values = np.full((2, ROWS), 2**20)
    return Sample(np.arange(ROWS), values, UNITS, np.array([0]), np.ones(ROWS))


def growth(totals: Floats, node: list[int] | None = None) -> Growth:
    """Leaves with these sums of g and h, shape (2, leaves)."""
    root = grow.start_tree(sample(), ROWS, book([3]), np.inf, Boosting())
    count = totals.shape[1]
    return replace(
        root,
        node=np.array(node or [0] * ROWS),
        code=np.full(count, -1),
        low=np.full(count, -np.inf),
        high=np.full(count, np.inf),
        totals=np.rint(totals / UNITS.g).astype(np.int64),
    )


class TestNewton:
    def test_is_the_closed_form(self) -> None:
        found = leaves.newton(growth(np.array([[3.0, -1.0], [5.0, 0.0]])), sample(), Boosting())
        assert found.tolist() == [-0.5, 1.0]


class TestMedians:
    def test_are_of_each_leafs_own_rows(self) -> None:
        tree = growth(np.zeros((2, 3)), node=[1, 1, 1, 2, 2, 2])
        residual = np.array([1.0, 5.0, 90.0, -1.0, -2.0, 3.0])
        assert leaves.medians(tree, sample(), residual).tolist() == [0.0, 5.0, -1.0]


class TestPrivate:
    def test_are_newtons_values_where_epsilon_is_large(self) -> None:
        tree, spec = growth(np.array([[3.0, -1.0], [5.0, 2.0]])), Boosting(leaf_epsilon=1e6)
        found = leaves.private(tree, sample(), spec)
        assert found == pytest.approx(leaves.newton(tree, sample(), spec), abs=1e-3)

    def test_carry_laplace_noise_of_two_over_epsilon(self) -> None:
        # h is so large that its own noise does not matter, and undone below.
        count, h, spec = 4000, 1e9, Boosting(leaf_epsilon=0.5, l2=0.0)
        tree = growth(np.array([np.zeros(count), np.full(count, h)]))
        noise = leaves.private(tree, sample(), spec) * h
        # A Laplace variable of scale b has a mean magnitude of b.
        assert np.abs(noise).mean() == pytest.approx(4.0, rel=0.15)
        assert noise.mean() == pytest.approx(0.0, abs=0.6)

    def test_differ_from_tree_to_tree(self) -> None:
        tree, spec = growth(np.array([[3.0], [5.0]])), Boosting(leaf_epsilon=1.0)
        first, second = (leaves.private(tree, sample(), spec) for _ in range(2))
        assert first[0] != second[0]
