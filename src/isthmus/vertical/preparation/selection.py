"""Which columns are left out: by information value, correlation and variance inflation.

Correlations are those of standardised columns rounded to integers, so that sums over rows are exact
wherever they are computed: in the clear, or by one party on another's encrypted columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.vertical.preparation.columns import Column, Evidence, LeftOut, Prepared, kept
from isthmus.vertical.preparation.spec import Selection

_SUM_BITS = 47
"""Bits of a sum over all rows of products of two columns: what every encryption has room for."""

_MOST_BITS = 12
"""A column rounded to 4,096 steps has the same correlations, but for some hundred-thousandths."""

_ALIKE = 1 - 1e-6
"""Two columns that repeat each other have one factor: the one with less information goes."""

_ROUNDING = 1e-6  # of eigenvalues of correlations

_RIDGE = 1e-9
"""Added to the diagonal of correlations: the inverse exists where columns repeat each other."""


@dataclass(frozen=True)
class Moments:
    """Sums over training rows of integer columns, and of products of two of them."""

    rows: int
    sums: Integers
    """Shape (columns,)."""

    products: Integers
    """Shape (columns, columns)."""

    def beside(self, other: "Moments", between: Integers) -> "Moments":
        """Put the moments of another party's columns after these.

        Args:
            other: The moments of the latter.
            between: Sums of products of both, shape (columns, other columns).

        Returns:
            The moments of all.
        """
        sums = np.concatenate([self.sums, other.sums])
        products = np.block([[self.products, between], [between.T, other.products]])
        return Moments(self.rows, sums, products)

    def of(self, which: Bools) -> "Moments":
        """Returns the moments of some of the columns."""
        return replace(self, sums=self.sums[which], products=self.products[np.ix_(which, which)])

    def correlations(self) -> Floats:
        """Compute the correlation of each two columns.

        Returns:
            Shape (columns, columns).

        Raises:
            ValueError: There are no such columns.
        """
        # Whole numbers of any size: no digit is lost before the one division.
        sums = self.sums.astype(object)
        covariances = (self.rows * self.products.astype(object) - np.outer(sums, sums)).astype(
            float
        )
        if (covariances.diagonal() <= 0).any():
            raise ValueError("a column has no deviation")
        deviations = np.sqrt(covariances.diagonal())
        found: Floats = covariances / np.outer(deviations, deviations)
        if (found != found.T).any() or np.linalg.eigvalsh(found)[:1] < -_ROUNDING:
            raise ValueError("there are no columns with such correlations")
        return found


def bits(rows: int) -> int:
    """Returns the bits of integer columns: as many as sums of so many rows leave, at most 12."""
    return min(_MOST_BITS, (_SUM_BITS - (rows - 1).bit_length()) // 2)


def moments(columns: Integers) -> Moments:
    """Returns the moments of integer columns, shape (rows, columns)."""
    return Moments(len(columns), columns.sum(axis=0), columns.T @ columns)


def inflation(correlations: Floats) -> Floats:
    """Returns the variance inflation factor of each column: 1 over what the others leave of it.

    Args:
        correlations: Of the columns, shape (columns, columns).

    Returns:
        Shape (columns,), at least about 1.
    """
    inverse = np.linalg.inv(correlations + _RIDGE * np.eye(len(correlations)))
    return np.array(inverse.diagonal(), np.float64)


def by_information(columns: Sequence[Column], least: float) -> tuple[list[Column], list[LeftOut]]:
    """Leave out columns that tell too little of the label.

    Args:
        columns: Prepared columns.
        least: Least information value.

    Returns:
        Those that stay, and those that do not.
    """
    stay, out = list[Column](), list[LeftOut]()
    for column in columns:
        if isinstance(column, Evidence) and column.information < least:
            why = f"its information value is {column.information:.4f}, below {least:g}"
            out.append(LeftOut(column, why))
        else:
            stay.append(column)
    return stay, out


def by_comparison(
    columns: Sequence[Column], found: Moments, spec: Selection, others: int = 0
) -> Prepared:
    """Leave out columns that repeat others.

    Of two columns of one party that correlate too much, the one with less information stays out, or
    the later one. A column of another party always stays: its owner has compared it already.

    Args:
        columns: One party's prepared columns.
        found: Moments of its columns and, after them, of those of another party.
        spec: The `[preparation.select]` table.
        others: Number of the latter.

    Returns:
        The columns that stay, and those that do not.
    """
    correlations = found.correlations()
    stay, out = np.ones(len(columns) + others, np.bool_), list[LeftOut]()
    if spec.correlation is not None:
        out += _repeated(columns, correlations, stay, spec.correlation)
    if spec.inflation is not None:
        out += _inflated(columns, correlations, stay, spec.inflation)
    left = kept(columns, stay[: len(columns)])
    factors: list[float] = inflation(correlations[np.ix_(stay, stay)])[: len(left)].tolist()
    named = dict(zip((column.name for column in left), factors, strict=True))
    return Prepared(columns=left, left_out=out, inflation=named)


def _repeated(
    columns: Sequence[Column], correlations: Floats, stay: Bools, most: float
) -> list[LeftOut]:
    """Leave out own columns that repeat another party's, or one of ours with more information."""
    out, compared = list[LeftOut](), list(range(len(columns), len(stay)))
    for at in sorted(range(len(columns)), key=lambda at: (-_information(columns[at]), at)):
        near = [abs(float(correlations[at, each])) for each in compared]
        nearest = max(near, default=0.0)
        if nearest <= most:
            compared.append(at)
            continue
        stay[at] = False
        beside = compared[near.index(nearest)]
        other = repr(columns[beside].name) if beside < len(columns) else "one of another party"
        why = f"its correlation with {other} is {nearest:.3f}, above {most:g}"
        out.append(LeftOut(columns[at], why))
    return out


def _inflated(
    columns: Sequence[Column], correlations: Floats, stay: Bools, most: float
) -> list[LeftOut]:
    """Leave out the own column with the largest factor until none is above the most."""
    out = list[LeftOut]()
    while (ours := np.flatnonzero(stay[: len(columns)])).size:
        factors = inflation(correlations[np.ix_(stay, stay)])[: len(ours)]
        largest = float(factors.max())
        if largest <= most:
            break
        alike: list[int] = ours[factors >= largest * _ALIKE].tolist()
        at = min(alike, key=lambda at: (_information(columns[at]), -at))
        stay[at] = False
        why = f"its variance inflation factor is {largest:.4g}, above {most:g}"
        out.append(LeftOut(columns[at], why))
    return out


def _information(column: Column) -> float:
    return column.information if isinstance(column, Evidence) else 0.0
