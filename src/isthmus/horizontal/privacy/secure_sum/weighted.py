"""The weighted mean of updates as a sum of words; in tables, the mean over who touched a row."""

from collections.abc import Callable

import numpy as np

from isthmus.core.errors import PeerError
from isthmus.horizontal.parameters import Vector
from isthmus.horizontal.privacy.secure_sum.cohort import Cohort
from isthmus.horizontal.privacy.secure_sum.masking import Words, to_mean, to_words
from isthmus.horizontal.privacy.secure_sum.master import UnmaskedSum
from isthmus.horizontal.tables import Tables

MakeWords = Callable[[Cohort, str], Words]
"""From the cohort of a sum and our name to what we add to the sum."""


def weighted_words(update: Vector, tables: Tables, largest_norm: float) -> MakeWords:
    """Our part of a weighted mean.

    Rows of tables have the same weight at each child, and our touches of them go along, so that a
    sum of touches is a number of children.

    Args:
        update: Shape (size,).
        tables: Whose rows are averaged over the children that touched them.
        largest_norm: Norm to which the update is scaled down before.

    Returns:
        The function that makes it, shape (size + rows,), once it is known who takes part.
    """

    def words(cohort: Cohort, name: str) -> Words:
        of_rows = np.full(tables.rows, 1 / len(cohort.children))
        weighted = to_words(update, tables.each(of_rows, cohort.weights[name]), largest_norm)
        return np.concatenate([weighted, tables.touched(update).astype(np.uint32)])

    return words


def weighted_mean(found: UnmaskedSum, tables: Tables, largest_norm: float) -> Vector:
    """The weighted mean from the sum of all parts.

    Args:
        found: The sum.
        tables: As they were for `weighted_words`.
        largest_norm: Likewise.

    Returns:
        Shape (size,).

    Raises:
        PeerError: More children touched a row than there are.
    """
    length = len(found.total) - tables.rows
    touches = found.total[length:]
    if touches.max(initial=0) > len(found.weights):
        raise PeerError(
            f"a row was touched by {touches.max()} of {len(found.weights)} children: one of them "
            "sent something else, and nobody can see which. Ask what runs there."
        )
    shares = tables.each(np.maximum(touches, 1) / found.asked, found.weight)
    return to_mean(found.total[:length], shares, largest_norm)
