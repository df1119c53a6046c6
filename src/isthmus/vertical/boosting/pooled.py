"""Training of the same model on the pooled columns of all parties, for comparison."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.vertical.boosting import coding, model
from isthmus.vertical.boosting.coding import AssignedCodes
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.model import Column
from isthmus.vertical.boosting.problem import constraints, problem
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import boost
from isthmus.vertical.boosting.trees import pooled as trees_pooled
from isthmus.vertical.boosting.trees.boost import BoostingState


@dataclass(frozen=True)
class Pooled:
    """A model on pooled columns, and its predictions for the test rows."""

    assigned: AssignedCodes
    own_columns: list[Column]
    """Columns of the first party, with their codes."""

    state: BoostingState
    predictions: Floats
    """Expected labels, or probabilities of classes, shape (outputs, rows)."""

    score_training: Callable[[], Floats]
    """Computes the same for the training rows."""


def train_pooled(parties: Sequence[Rows], spec: Boosting, randomness: Randomness) -> Pooled:
    """Train on the columns of all parties in one place, by the same driver as joint training.

    Args:
        parties: Rows of each party in one order, the active party first, the others sorted by
            name; or only those of the active party, for the model on its own columns.
        spec: The `[boosting]` table.
        randomness: The seeds of random choices.

    Returns:
        The model. It equals the joint model, except for leaves under differential privacy, whose
        noise is never the same.

    Raises:
        SpecError: A column, a label or a weight does not fit the job.
    """
    columns = [coding.columns(rows.train, spec, randomness.job) for rows in parties]
    free = constraints(parties[0], columns[0])
    assigned = coding.assign_codes([each.facts for each in columns], free, randomness)
    order = np.argsort(np.concatenate(assigned.codes))
    train = np.vstack([each.bins.T for each in columns])[order].T
    tests = [
        coding.encode(each.binnings, rows.test) for each, rows in zip(columns, parties, strict=True)
    ]
    state = trees_pooled.fit(train, problem(parties[0], assigned.book, spec, randomness))
    ensemble = boost.ensemble(state, spec)
    predictions = trees_pooled.predict(ensemble, np.hstack(tests)[:, order], spec)
    own = model.columns(columns[0].binnings, assigned.codes[0])
    return Pooled(
        assigned, own, state, predictions, lambda: trees_pooled.predict(ensemble, train, spec)
    )
