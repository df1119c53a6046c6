"""The same model on joined data: for comparison, where somebody may see all of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.vertical.boosting import coding
from isthmus.vertical.boosting.coding import Deal
from isthmus.vertical.boosting.given import Chance, Rows
from isthmus.vertical.boosting.problem import constraints, problem
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import boost, central
from isthmus.vertical.boosting.trees.boost import Course


@dataclass(frozen=True)
class Pooled:
    """A model of joined columns, and what it says of the test rows."""

    deal: Deal
    course: Course
    predictions: Floats
    """Expected labels, or probabilities of classes, shape (outputs, rows)."""


def pooled(parties: Sequence[Rows], spec: Boosting, chance: Chance) -> Pooled:
    """Train on the columns of all parties, as the parties do together.

    Args:
        parties: Rows of each party in one order, the active party first, the others in the order
            of their names. The active party alone makes the model of its own columns.
        spec: What the job says.
        chance: Where random choices come from.

    Returns:
        The model, equal to the joint one: leaves under differential privacy apart, whose noise
        nobody can draw again.

    Raises:
        SpecError: A column, a label or a weight does not fit.
    """
    columns = [coding.columns(rows.train, spec, chance.job) for rows in parties]
    free = constraints(parties[0], columns[0])
    deal = coding.deal([each.facts for each in columns], free, chance)
    order = np.argsort(np.concatenate(deal.codes))
    train = np.vstack([each.bins.T for each in columns])[order].T
    tests = [
        coding.encode(each.binnings, rows.test) for each, rows in zip(columns, parties, strict=True)
    ]
    course = central.fit(train, problem(parties[0], deal.book, spec, chance))
    model = boost.ensemble(course, spec)
    predictions = central.predict(model, np.hstack(tests)[:, order], spec)
    return Pooled(deal, course, predictions)
