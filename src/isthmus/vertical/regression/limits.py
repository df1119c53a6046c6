"""Limits of what training tells of single rows: equations per label, and columns of few rows.

A gradient is a sum over rows of column times residual, and a residual is about a label. So each
passive party gets one equation about the labels per column, class and batch, in any number of
rounds. Two things make such equations tell single labels:

1. *Many equations beside few rows of a label.* With 25 positives among 5,000 rows, 200 equations
   name all 25: a vector with few entries needs few equations (compressed sensing). What counts is
   the number of rows of the rarer label. Below a tenth of it, least squares ranks the rows no
   better than the party's own coefficients do.
2. *A column that tells few rows from all others.* Where all rows but k share one value, the
   gradient minus that value times the sum of all residuals, which is zero at an optimum with an
   intercept, is a sum over the k rows alone: for one row, its residual. Columns whose values
   all differ have no such k. So it is the rows that have another value than the commonest one that
   are counted, on the grid that training uses: beside an outlier, other values may become one.
"""

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats
from isthmus.core.errors import PolicyError
from isthmus.vertical.regression.spec import Regression

Numbers = Floats | NDArray[np.integer]


def equations(spec: Regression, passive: str) -> int:
    """Returns how many equations about the labels of a class a passive party learns."""
    return spec.batches * spec.columns_of(passive)


def rarer(spec: Regression, label: Floats) -> int:
    """Count the rows that few equations can tell from the others, by their labels.

    Args:
        spec: The `[regression]` table.
        label: Labels in their own units, shape (rows,).

    Returns:
        The rows of the rarest class, or of all other classes together if these are fewer; for a
        number, the rows that have not the commonest one.
    """
    counts = np.unique(label[~np.isnan(label)], return_counts=True)[1]
    if not len(counts):
        return 0
    others = len(label) - counts
    if spec.family == "multinomial":
        return int(min(counts.min(), others.min()))
    return int(others.min())


def rare_labels(spec: Regression) -> str:
    """Returns in words which label the rows have that `rarer` counts, each of them."""
    return "rarer label" if _classes(spec) else "label other than the commonest"


def a_rare_label(spec: Regression) -> str:
    """Returns the same with its article."""
    return f"{'the' if _classes(spec) else 'a'} {rare_labels(spec)}"


def _classes(spec: Regression) -> bool:
    return spec.family in {"binomial", "multinomial"}


def check_columns(names: tuple[str, ...], values: Numbers, least: int) -> None:
    """Refuse columns that tell few rows from all others.

    Args:
        names: Of the columns.
        values: Shape (rows, columns), as training uses them.
        least: The fewest rows that may have another value than the commonest one.

    Raises:
        PolicyError: There is such a column.
    """
    found = [(name, told_apart(column)) for name, column in zip(names, values.T, strict=True)]
    few = [f"{name!r} ({rows:,})" for name, rows in found if 0 < rows < least]
    if few:
        which, them = ("column", "it") if len(few) == 1 else ("columns", "them")
        raise PolicyError(
            f"of {which} {', '.join(few)}, so few of {len(values):,} rows have another value than "
            "the commonest, and the gradient would tell about their labels one by one: "
            f"`policy.minimum_column_rows` of your party file asks for {least:,}. Leave {them} out "
            "of `columns`, or join rare values. Nothing of the training was sent."
        )


def told_apart(column: Numbers) -> int:
    """Returns how many rows have another value than the commonest one."""
    counts = np.unique(column, return_counts=True)[1]
    return len(column) - int(counts.max(initial=0))
