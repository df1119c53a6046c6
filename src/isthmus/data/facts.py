"""Facts about a data set that was read; none of them names a row."""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.data.forms import Forms


@dataclass(frozen=True)
class Facts:
    """What is worth knowing of a data set that was read."""

    rows: int
    """Rows that the data set has."""

    left_out: int
    """Rows that were left out, as their identifier occurred before."""

    forms: tuple[Forms, ...]
    """Forms of the identifiers of the rows that were kept, column by column."""

    notes: tuple[str, ...] = ()
    """Sentences, without a full stop, about what may not be meant."""

    def about_identifiers(self) -> str:
        """Returns the forms of identifiers in words, or nothing where rows have none."""
        several = len(self.forms) > 1
        told = (
            f"{each.column}: {each.in_words}" if several else each.in_words for each in self.forms
        )
        return "; ".join(told)


def about_duplicates(first: Integers, kept: Integers, labels: Floats | None) -> str:
    """Say how many rows were left out, and whether that chose between labels.

    Args:
        first: Position of the first row of the same identifier, shape (rows,).
        kept: Positions of the rows that were kept.
        labels: Label of each row, shape (rows,), if there are any.

    Returns:
        A sentence, without a full stop.
    """
    count = len(first) - len(kept)
    said = (
        f'`duplicates = "first"` left out {count:,} of {len(first):,} rows, as their identifier '
        "occurred before"
    )
    if labels is None:
        return said
    others = int((~np.isclose(labels, labels[first], rtol=0, atol=0, equal_nan=True)).sum())
    if not others:
        return f"{said}; their labels are those of the rows that were kept"
    return (
        f"{said}, {others:,} of them with another label than the row that was kept: does the first "
        "row of an identifier say what is to be predicted?"
    )
