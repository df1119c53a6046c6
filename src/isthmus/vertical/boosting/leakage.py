"""How much of the labels a passive party can read from the nodes that it saw.

Rows in one node of a tree have like labels: that is what trees are for. Who sees which rows are
together, in tree after tree, can draw the two most distant kinds of rows apart without knowing a
single label. This measures how well that goes, as an AUC: 0.5 is a blind guess.
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
"""Weight of a tree by that of the tree before: later trees tell less of labels, more of noise."""


def cluster_auc(views: Sequence[View], label: Floats) -> float:
    """How well the views of a passive party tell the rows of two classes apart.

    Args:
        views: What it saw of each tree, each of shape (rows,): see `remote_source.View`.
        label: 0 or 1, shape (rows,).

    Returns:
        AUC of the better of the two ways to name the clusters, in [0.5, 1]; 0.5 where the labels
        are all the same.

    Source:
        Takahashi, Liu & Liu 2023, "Eliminating label leakage in tree-based vertical federated
        learning", the attack ID2Graph: rows are linked by the nodes they share, later trees count
        for less, and the links are clustered. We take the leading principal component of the
        weighted memberships, which grades rows and needs no number of clusters.
    """
    return _either_way(label, _component(views, len(label)))


def sample_auc(views: Sequence[View], label: Floats) -> float:
    """How well it tells two classes apart to count the trees that each row was drawn for.

    Args:
        views: What a passive party saw of each tree, each of shape (rows,): see `View`.
        label: 0 or 1, shape (rows,).

    Returns:
        AUC of the better of the two ways to name the classes, in [0.5, 1]; 0.5 where the labels
        are all the same.
    """
    drawn = np.zeros(len(label))
    for view in views:
        drawn += view >= 0
    return _either_way(label, drawn)


def _either_way(label: Floats, score: Floats) -> float:
    """AUC of the better of the two ways to name the classes; 0.5 where there is one class only."""
    if (label == label[:1]).all():
        return 0.5
    found = classification.auc(label, score)
    return max(found, 1 - found)


def _component(views: Sequence[View], rows: int) -> Floats:
    """Where each row lies on the line along which memberships vary most, shape (rows,)."""
    seen = _memberships(views, rows)
    if seen.shape[1] < 2:  # noqa: PLR2004 - nothing to weigh against each other
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
    """Places of all trees that part rows side by side, weighted by tree; shape (rows, places)."""
    members = [_members(view) for view in views]
    telling = [tree for tree, seen in enumerate(members) if seen.shape[1]]
    if not telling:
        return sparse.csr_array((rows, 0))
    # Weights are relative, so that those of late trees are above 0 where no earlier tree tells.
    weighted = [_DECAY ** (tree - telling[0]) * members[tree] for tree in telling]
    return sparse.hstack(weighted, format="csr")


def _members(view: View) -> sparse.csr_array:
    """Whether each row was seen in each place, shape (rows, places).

    A place of all rows is left out: it tells nothing, and a component needs columns that vary.
    """
    rows = np.flatnonzero(view >= 0)
    places, place, held = np.unique(view[rows], return_inverse=True, return_counts=True)
    seen = sparse.csr_array((np.ones(len(rows)), (rows, place)), shape=(len(view), len(places)))
    return seen[:, np.flatnonzero(held < len(view))]
