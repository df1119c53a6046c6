"""How well nodes tell labels apart."""

import numpy as np
import pytest

from isthmus.evaluation.classification import auc
from isthmus.vertical.boosting.leakage import cluster_auc, sample_auc
from isthmus.vertical.boosting.remote_source import View


def views(agree: float, trees: int = 8, rows: int = 400) -> tuple[list[View], np.ndarray]:
    """Nodes of trees that part rows by label, for a share of the rows."""
    chance = np.random.default_rng(0)
    label = chance.integers(0, 2, rows)
    found = list[View]()
    for _ in range(trees):
        told = np.where(chance.random(rows) < agree, label, chance.integers(0, 2, rows))
        found.append((2 * told + chance.integers(0, 2, rows)).astype(np.int16))
    return found, label.astype(float)


class TestClusterAuc:
    def test_is_one_where_nodes_are_labels(self) -> None:
        assert cluster_auc(*views(1.0)) == 1.0

    def test_is_a_blind_guess_where_nodes_have_nothing_to_do_with_labels(self) -> None:
        assert cluster_auc(*views(0.0)) < 0.56

    def test_grows_with_what_nodes_tell(self) -> None:
        found = [cluster_auc(*views(agree)) for agree in (0.2, 0.4, 0.6)]
        assert found == sorted(found)

    def test_is_a_blind_guess_where_nothing_was_seen(self) -> None:
        _, label = views(1.0)
        assert cluster_auc([], label) == 0.5
        assert cluster_auc([np.zeros(len(label), np.int16)], label) == 0.5

    @pytest.mark.parametrize("trees", [1, 2, 9])
    def test_is_a_blind_guess_where_no_tree_parts_rows(self, trees: int) -> None:
        label = np.array([0.0, 1.0, 0.0])
        assert cluster_auc([np.zeros(3, np.int16)] * trees, label) == 0.5

    def test_takes_a_single_place_of_some_rows_as_it_is(self) -> None:
        label = np.array([0.0, 1.0, 0.0])
        assert cluster_auc([np.array([-1, 0, -1], np.int16)], label) == 1.0

    def test_leaves_out_rows_that_were_not_seen(self) -> None:
        every, label = views(1.0)
        unseen = np.arange(len(label)) % 2 == 0
        half = [np.where(unseen, -1, view).astype(np.int16) for view in every]
        assert cluster_auc(half, label) == pytest.approx(0.875, abs=0.02)

    @pytest.mark.parametrize("rows", [2, 3, 20, 59, 60, 61])
    def test_is_one_where_nodes_are_labels_of_fewer_rows_than_nodes(self, rows: int) -> None:
        label = (np.arange(rows) % 2).astype(float)
        every = [label.astype(np.int16) + 2 * tree for tree in range(30)]  # 60 places
        assert cluster_auc([view.astype(np.int16) for view in every], label) == 1.0

    def test_is_the_same_for_more_places_than_rows_as_by_a_dense_decomposition(self) -> None:
        every, label = views(0.4, trees=40, rows=50)
        dense = np.hstack(
            [
                0.7**tree * (view[:, None] == np.unique(view)).astype(float)
                for tree, view in enumerate(every)
            ]
        )
        assert dense.shape[1] > len(label)
        left, _, _ = np.linalg.svd(dense - dense.mean(axis=0))
        expected = auc(label, left[:, 0])
        assert cluster_auc(every, label) == pytest.approx(max(expected, 1 - expected))

    @pytest.mark.parametrize("rows", [1, 5])
    def test_is_a_blind_guess_where_all_labels_are_the_same(self, rows: int) -> None:
        every = [np.arange(rows).astype(np.int16)] * 3
        assert cluster_auc(every, np.ones(rows)) == 0.5

    def test_takes_trees_into_account_that_come_long_after_those_that_tell_nothing(self) -> None:
        every, label = views(1.0, trees=2)
        nothing = np.zeros(len(label), np.int16)
        assert cluster_auc([nothing] * 3000 + every, label) == 1.0


class TestSampleAuc:
    def test_counts_how_often_a_row_was_drawn(self) -> None:
        label = np.array([0.0, 0.0, 1.0, 1.0])
        views = [np.array([-1, -1, 0, 0], np.int16), np.array([-1, 0, 0, 0], np.int16)]
        assert sample_auc(views, label) == 1.0

    def test_is_a_blind_guess_where_all_labels_are_the_same(self) -> None:
        assert sample_auc([np.array([-1, 0], np.int16)], np.ones(2)) == 0.5

    def test_is_a_blind_guess_where_all_rows_are_drawn(self) -> None:
        label = np.array([0.0, 1.0, 0.0, 1.0])
        assert sample_auc([np.zeros(4, np.int16)], label) == 0.5
