"""The mean of tables over the children that touched a row."""

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.horizontal.parameters import Updates, Vector, single
from isthmus.horizontal.tables import Tables


def touch_mean(updates: Updates, weights: Floats, tables: Tables) -> Vector:
    """Average each row of a table over the children whose update of it differs from zero.

    These children count alike, so that a sum of touches is a number of children and tells nobody's
    weight. All other numbers are averaged by the weights.

    Args:
        updates: One row per child, shape (children, size).
        weights: Weight of each child, sum 1, shape (children,).
        tables: The arrays that are tables.

    Returns:
        Shape (size,); 0 in rows that nobody touched.

    Source:
        Ours, after the merge of tables in S4: docs/systems/s3.md.
    """
    total, touches = np.zeros(updates.shape[1]), np.zeros(tables.rows)
    ones = np.ones(tables.rows)
    for update, weight in zip(updates, weights, strict=True):
        total += tables.each(ones, float(weight)) * update
        touches += tables.touched(update)
    return single(total / tables.each(np.maximum(touches, 1), 1.0))
