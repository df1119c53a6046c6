"""Rules that hold when some children send anything at all."""

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.horizontal.fusion.averages import weighted_sum
from isthmus.horizontal.parameters import Updates, Vector

_BLOCK = 2**14  # columns at a time: they stay in the cache while they are sorted
_TIE = 1e-9


def trimmed_mean(updates: Updates, cut: int) -> Vector:
    """Mean of each coordinate without its lowest and its highest values.

    Whatever `cut` children send, every coordinate stays within the range of the others' values.

    Args:
        updates: One row per child, shape (children, size).
        cut: How many values to leave out at either end, less than half of the children.

    Returns:
        Shape (size,).

    Source:
        Yin et al. 2018 (ICML), definition 2.
    """
    kept = slice(cut, len(updates) - cut)
    fused = np.empty(updates.shape[1], np.float32)
    for start in range(0, len(fused), _BLOCK):
        block = slice(start, start + _BLOCK)
        ordered = np.sort(np.ascontiguousarray(updates[:, block].T), axis=1)
        fused[block] = ordered[:, kept].mean(axis=1, dtype=np.float64)
    return fused


def median(updates: Updates) -> Vector:
    """Median of each coordinate; of an even number, the mean of the middle two.

    Args:
        updates: One row per child, shape (children, size).

    Returns:
        Shape (size,).

    Source:
        Yin et al. 2018 (ICML), definition 1.
    """
    return trimmed_mean(updates, (len(updates) - 1) // 2)


def krum_weights(updates: Updates, faulty: int) -> Floats:
    """Equal weights for the updates that lie closest to others, none for the rest.

    Of n children, f of them faulty, the score of each is the sum of the squared distances to the
    n - f - 2 others that are closest to it. The n - f - 2 children of lowest score are kept, the
    most for which the guarantee holds, and who ties with the last of them: none gains by its place.

    Args:
        updates: One row per child, shape (children, size).
        faulty: f, how many children may send anything; n >= 2 f + 3.

    Returns:
        Shape (children,), sum 1.

    Source:
        Multi-Krum: Blanchard et al. 2017 (NeurIPS), with m = n - f - 2 as in Damaskinos
        et al. 2019 (AggregaThor, MLSys).
    """
    kept = len(updates) - faulty - 2
    distances = np.sort(_squared_distances(updates), axis=1)
    score = distances[:, 1 : kept + 1].sum(axis=1)  # the first is the child itself
    chosen = score <= np.sort(score)[kept - 1] * (1 + _TIE)
    weights: Floats = chosen / chosen.sum()
    return weights


def fltrust(updates: Updates, root_update: Vector) -> tuple[Vector, Floats]:
    """Mean of the updates by how far they agree with one that the master trained itself.

    Every update is first scaled to the length of the master's, so none gains by being long, and
    one that points away from it does not count. Where none counts, the master's stands alone.

    Args:
        updates: One row per child, shape (children, size).
        root_update: What the master's own samples gave from the same parameters, shape (size,).

    Returns:
        The update to add, shape (size,), and each child's weight, shape (children,): sum 1, or all
        zero where none counts.

    Source:
        Cao et al. 2021 (NDSS), algorithm 2.
    """
    root = root_update.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", updates, updates, dtype=np.float64))
    lengths[lengths == 0] = 1.0  # of an update of zeros, which agrees with nothing
    trust = np.maximum(np.einsum("ij,j->i", updates, root), 0.0) / lengths
    if not trust.any():
        return root_update, trust
    weights = trust / trust.sum()
    return weighted_sum(updates, weights * np.linalg.norm(root) / lengths), weights


def _squared_distances(updates: Updates) -> Floats:
    products = np.zeros((len(updates), len(updates)))
    for start in range(0, updates.shape[1], _BLOCK):
        block = updates[:, start : start + _BLOCK].astype(np.float64)
        products += block @ block.T
    squares = np.diag(products)
    # Rounding can leave less than zero between equal updates.
    distances = np.maximum(squares[:, None] + squares - 2 * products, 0.0)
    np.fill_diagonal(distances, -1.0)  # sorts first, even among equals
    return distances
