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
        AUC of the better of the two ways to name the clusters, in [0.5, 1].

    Source:
        Takahashi, Liu & Liu 2023, "Eliminating label leakage in tree-based vertical federated
        learning", the attack ID2Graph: rows are linked by the nodes they share, later trees count
        for less, and the links are clustered. We take the leading principal component of the
        weighted memberships, which grades rows and needs no number of clusters.
    """
    found = classification.auc(label, _component(views, len(label)))
    return max(found, 1 - found)


def sample_auc(views: Sequence[View], label: Floats) -> float:
    """How well it tells two classes apart to count the trees that each row was drawn for.

    Args:
        views: What a passive party saw of each tree, each of shape (rows,): see `View`.
        label: 0 or 1, shape (rows,).

    Returns:
        AUC of the better of the two ways to name the classes, in [0.5, 1].
    """
    drawn: Floats = np.count_nonzero(np.array(views) >= 0, axis=0).astype(np.float64)
    found = classification.auc(label, drawn)
    return max(found, 1 - found)


def _component(views: Sequence[View], rows: int) -> Floats:
    """Where each row lies on the line along which memberships vary most, shape (rows,)."""
    members = [_DECAY**tree * _members(view) for tree, view in enumerate(views)]
    seen = sparse.hstack(members, format="csr") if members else sparse.csr_array((rows, 0))
    if seen.shape[1] < 2:  # noqa: PLR2004 - nothing to weigh against each other
        return np.asarray(seen.sum(axis=1), np.float64)
    mean: Floats = seen.mean(axis=0)
    centred = LinearOperator(
        seen.shape,
        matvec=lambda places: seen @ places - mean @ places,
        rmatvec=lambda each: seen.T @ each - mean * each.sum(),
        dtype=np.float64,
    )
    start = seeds.generator(0, "component").normal(size=min(seen.shape))
    component, _, _ = svds(centred, k=1, v0=start)
    return component[:, 0]


def _members(view: View) -> sparse.csr_array:
    """Whether each row was seen in each place, shape (rows, places).

    A place of all rows tells nothing, and none of the places may be constant for a component.
    """
    rows = np.flatnonzero(view >= 0)
    places, place, held = np.unique(view[rows], return_inverse=True, return_counts=True)
    seen = sparse.csr_array((np.ones(len(rows)), (rows, place)), shape=(len(view), len(places)))
    return seen[:, np.flatnonzero(held < len(view))]
