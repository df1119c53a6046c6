"""Training and scoring with the bins of all parties in one place."""

from collections import deque

import numpy as np

from isthmus.core.arrays import Bins, Floats
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import boost, objective, tree
from isthmus.vertical.boosting.trees.boost import BoostingState, Ensemble, Problem
from isthmus.vertical.boosting.trees.local import LocalSource


def fit(bins: Bins, problem: Problem) -> BoostingState:
    """Train on pooled columns.

    Args:
        bins: Bin of each row in each code, in the order of the codes, shape (rows, codes).
        problem: The learning problem.

    Returns:
        The state after the last round.

    Raises:
        SpecError: Labels or weights do not fit the objective.
    """
    codes, width = np.arange(len(problem.book)), int(problem.book.bins.max())
    source = LocalSource(bins, codes, width, problem.spec.minimum_bin_rows)
    begin = boost.start(problem)
    return deque(boost.boost(problem, source, begin), maxlen=1)[0]


def predict(model: Ensemble, bins: Bins, spec: Boosting) -> Floats:
    """Returns expected labels, or probabilities of classes, from pooled columns.

    Args:
        model: The trees.
        bins: Bin of each row in each code, in the order of the codes, shape (rows, codes).
        spec: The `[boosting]` table, with the objective.

    Returns:
        Shape (outputs, rows).
    """
    leaf = np.empty((len(model.trees), len(bins)), np.int64)
    for place, one in zip(leaf, model.trees, strict=True):
        place[:] = tree.leaves(one, bins)
    return objective.prediction(model.score(leaf), spec)
