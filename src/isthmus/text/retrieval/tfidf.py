"""TF-IDF: texts are alike that share words, or runs of characters, which few texts have."""
# scipy's stubs leave the type of an index open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import numpy as np

from isthmus.evaluation.retrieval.scores import Vectors
from isthmus.text.retrieval.bags import Bags, Sparse, widened


class SparseScores:
    """Cosine of sparse vectors of length 1."""

    def __init__(self, left: Sparse, right: Sparse) -> None:
        self.shape = (int(left.shape[0]), int(right.shape[0]))
        self._left, self._right = left, right.T.tocsr()

    def block(self, begin: int, end: int) -> Vectors:
        """Returns the scores of some texts of the left side."""
        scores: Vectors = (self._left[begin:end] @ self._right).toarray()
        return scores


def tfidf(left: Bags, right: Bags) -> SparseScores:
    """Compare each text of one side with each of the other.

    A count c becomes 1 + log c, times 1 + log of all texts over those with the word (both plus 1);
    then a text has length 1, and texts are compared by cosine: as scikit-learn's `TfidfVectorizer`
    does with `sublinear_tf`, fitted on both sides.

    Args:
        left: Counts of the texts of one side.
        right: Counts of the texts of the other.

    Returns:
        The scores.
    """
    keys = np.union1d(left.keys, right.keys)
    ours, theirs = widened(left, keys), widened(right, keys)
    in_ours = np.bincount(ours.indices, minlength=len(keys))
    in_theirs = np.bincount(theirs.indices, minlength=len(keys))
    rarity = 1 + np.log((1 + len(left) + len(right)) / (1 + in_ours + in_theirs))
    shared = np.flatnonzero((in_ours > 0) & (in_theirs > 0))
    weighted = [_weighted(counts, rarity.astype(np.float32)) for counts in (ours, theirs)]
    # Only what both sides have adds to a score.
    return SparseScores(*(weights[:, shared] for weights in weighted))


def _weighted(counts: Sparse, rarity: np.ndarray[tuple[int], np.dtype[np.float32]]) -> Sparse:
    weights = counts.copy()
    weights.data = (1 + np.log(weights.data)) * rarity[weights.indices]
    squares = np.add.reduceat(np.append(weights.data**2, 0), weights.indptr[:-1])
    squares[np.diff(weights.indptr) == 0] = 1
    weights.data /= np.repeat(np.sqrt(squares), np.diff(weights.indptr)).astype(np.float32)
    return weights
