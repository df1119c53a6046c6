"""Label leakage: how well a passive party can tell classes apart from the nodes that it saw.

Rows in one node of a tree have similar labels. A party that sees which rows are together in nodes,
in many trees, can cluster the rows into two classes without knowing a single label. This module
measures the success of that attack as an AUC: 0.5 is as good as chance.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, svds

from isthmus.core import seeds
from isthmus.core.arrays import Floats
from isthmus.evaluation import classification
from isthmus.vertical.boosting.remote_source import View

_DECAY = 0.7
"""Weight of a tree relative to the tree before: later trees fit labels less, and noise more."""


def cluster_auc(views: Sequence[View], label: Floats) -> float:
    """Returns how well the nodes that a passive party saw separate the rows of two classes.

    Args:
        views: The nodes that it saw of each tree, each of shape (rows,): see `remote_source.View`.
        label: 0 or 1, shape (rows,).

    Returns:
        AUC of the better of the two ways to name the clusters, in [0.5, 1]; 0.5 if all labels are
        the same.

    Source:
        Takahashi, Liu & Liu 2023, "Eliminating label leakage in tree-based vertical federated
        learning", the attack ID2Graph: rows are linked by the nodes they share, later trees count
        for less, and the links are clustered. We use the first principal component of the weighted
        memberships instead, which ranks rows and needs no number of clusters.
    """
    return _either_way(label, _component(views, len(label)))


def sample_auc(views: Sequence[View], label: Floats) -> float:
    """Returns how well the number of trees that a row was sampled for separates two classes.

    Args:
        views: The nodes that a passive party saw of each tree, each of shape (rows,): see `View`.
        label: 0 or 1, shape (rows,).

    Returns:
        AUC of the better of the two ways to name the classes, in [0.5, 1]; 0.5 if all labels are
        the same.
    """
    drawn = np.zeros(len(label))
    for view in views:
        drawn += view >= 0
    return _either_way(label, drawn)


def _either_way(label: Floats, score: Floats) -> float:
    """Returns the AUC of the better of the two ways to name the classes; 0.5 for one class."""
    if (label == label[:1]).all():
        return 0.5
    found = classification.auc(label, score)
    return max(found, 1 - found)


def _component(views: Sequence[View], rows: int) -> Floats:
    """Returns the first principal component of the memberships, shape (rows,)."""
    seen = _memberships(views, rows)
    if seen.shape[1] < 2:  # noqa: PLR2004 - one column is its own component
        return np.asarray(seen.sum(axis=1), np.float64)
    mean: Floats = seen.mean(axis=0)
    centred = LinearOperator(
        seen.shape,
        matvec=lambda places: seen @ places - mean @ places,
        rmatvec=lambda each: seen.T @ np.ravel(each) - mean * each.sum(),  # each may be a column
        dtype=np.float64,
    )
    start = seeds.generator(0, "component").normal(size=min(seen.shape))
    component, _, _ = svds(centred, k=1, v0=start)
    return component[:, 0]


def _memberships(views: Sequence[View], rows: int) -> sparse.csr_array:
    """Returns the memberships of rows in nodes of all trees, weighted by tree; (rows, nodes)."""
    members = [_members(view) for view in views]
    useful = [tree for tree, seen in enumerate(members) if seen.shape[1]]
    if not useful:
        return sparse.csr_array((rows, 0))
    # Weights are relative to the first useful tree, so that a late one does not underflow.
    weighted = [_DECAY ** (tree - useful[0]) * members[tree] for tree in useful]
    joined: sparse.csr_array = sparse.hstack(weighted, format="csr")
    return joined


def _members(view: View) -> sparse.csr_array:
    """Returns whether each row was seen in each node, shape (rows, nodes).

    A node of all rows is left out: the column would be constant.
    """
    rows = np.flatnonzero(view >= 0)
    places, place, held = np.unique(view[rows], return_inverse=True, return_counts=True)
    seen = sparse.csr_array((np.ones(len(rows)), (rows, place)), shape=(len(view), len(places)))
    return seen[:, np.flatnonzero(held < len(view))]
