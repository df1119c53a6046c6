"""Quantised columns, and their product with encrypted residuals by additions only.

The gradient of a linear model needs, for every column x, the encrypted sum of x_i d_i. To raise
each ciphertext to the power x_i costs tens of additions; to add it to a bucket costs one. So a
column is written in digits to the base 128, x = digit_0 + 128 digit_1, and with B_k the sum
of the d_i whose digit is k,

    sum_i digit_i d_i = sum_k k B_k = sum_(j >= 1) S_j,   S_j = sum_(k >= j) B_k,

where the suffix sums S_j are running sums over the buckets taken in reverse. Digits are therefore
stored reversed, as 127 - digit: the cumulative bucket sums of one pass hold every S_j, and the
last of them, S_0, is the plain sum of the d_i. Per block, this takes at most one addition per row
and digit (fewer, if `bucket_sums` joins columns), 2 * 128 per digit, and one multiplication by a
small constant per digit and column.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats, Integers
from isthmus.crypto.bucket_sums import CiphertextsT, bucket_sums
from isthmus.crypto.scheme import MAX_BUCKETS, Codes

MAX_FEATURE_BITS = 14
"""Two digits of seven bits."""

_BASE = MAX_BUCKETS
_GAP_FRACTIONS = 8  # the closest values, 3 and 5 of 0, 3, 5, may lie several gaps apart
_GRID_TOLERANCE = 1e-6  # of a gap: the rounding errors of a standardised grid are far smaller

_BLOCK = 2**14
"""Rows that are decoded at a time."""

Narrow = NDArray[np.int16]
"""Integers of columns, which 16 bits hold."""


@dataclass(frozen=True)
class Quantised:
    """Columns on integer grids. Training and the arithmetic on ciphertexts use the same values.

    Column j holds `steps[j] * (scales[j] * level - centres[j])`, and the integer in brackets lies
    within (-2**bits, 2**bits).

    Attributes:
        codes: Reversed digits, shape (rows, passes): the low digits of all columns, then the
            high digits of the columns in `two_digit`.
        two_digit: Numbers of the columns that have a second digit, shape (passes - columns,).
        scales: Powers of two, shape (columns,).
        centres: Shape (columns,).
        steps: Size of one integer step in units of the column, shape (columns,).
    """

    codes: Codes
    two_digit: Integers
    scales: Integers
    centres: Integers
    steps: Floats

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice) -> "Quantised":
        return Quantised(self.codes[rows], self.two_digit, self.scales, self.centres, self.steps)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), len(self.steps)

    def integers(self) -> Integers:
        """Returns the integers that residuals are multiplied by, shape (rows, columns)."""
        return self.narrow().astype(np.int64)

    def narrow(self) -> Narrow:
        """Returns the same integers in a quarter of the memory."""
        found = np.empty(self.shape, np.int16)
        for number, column in enumerate(self._columns()):
            found[:, number] = column
        return found

    def values(self) -> Floats:
        """Returns the quantised columns, shape (rows, columns): with these the sums are exact."""
        found = np.empty(self.shape)
        for number, column in enumerate(self._columns()):
            found[:, number] = column * self.steps[number]
        return found

    def __matmul__(self, coefficients: Floats) -> Floats:
        """Returns `values() @ coefficients`, to the last bit.

        Args:
            coefficients: Shape (columns,): then some rows of the values are in memory at a time. Or
                (columns, outputs): libraries round products of matrices by where rows lie among
                others, so all values are.

        Returns:
            Shape (rows,) or (rows, outputs).
        """
        if coefficients.ndim > 1:
            whole: Floats = self.values() @ coefficients
            return whole
        found = np.empty(len(self))
        # No block is short: its product might be rounded in another way, too.
        starts = [*range(0, len(self) - _BLOCK + 1, _BLOCK)] or [0]
        for start, stop in zip(starts, [*starts[1:], len(self)], strict=True):
            found[start:stop] = self[start:stop].values() @ coefficients
        return found

    def _columns(self) -> Iterator[Narrow]:
        """Yields the integers of each column: all at once would take many times the memory."""
        high = {int(column): len(self.steps) + at for at, column in enumerate(self.two_digit)}
        for number, (scale, centre) in enumerate(zip(self.scales, self.centres, strict=True)):
            levels = self._digit(number)
            if number in high:
                levels += np.int16(_BASE) * self._digit(high[number])
            yield levels * np.int16(scale) - np.int16(centre)

    def _digit(self, place: int) -> Narrow:
        return np.subtract(_BASE - 1, self.codes[:, place], dtype=np.int16)


def quantise(matrix: Floats, bits: int = MAX_FEATURE_BITS) -> Quantised:
    """Round every column to the finest grid that the bits allow.

    A column with few, evenly spaced values (flags, counts, ages) keeps them exactly, except for a
    common shift of at most half a step; any other is rounded to 2**bits levels between its
    extremes.

    Args:
        matrix: Standardised columns, shape (rows, columns): zero lies within each column's range.
        bits: Integers stay within (-2**bits, 2**bits); from 1 to `MAX_FEATURE_BITS`.

    Returns:
        The quantised columns.

    Raises:
        ValueError: A value is not finite, or a column lies far from zero.
    """
    rows, columns = matrix.shape
    return quantise_each(lambda number: matrix[:, number], rows, columns, bits)


def quantise_each(
    column: Callable[[int], Floats], rows: int, columns: int, bits: int = MAX_FEATURE_BITS
) -> Quantised:
    """Round columns that are made one by one, as `quantise` does.

    Args:
        column: Returns a column, standardised, shape (rows,); it is asked for each one twice.
        rows: Number of rows.
        columns: Number of columns.
        bits: As in `quantise`.

    Returns:
        The quantised columns.

    Raises:
        ValueError: As `quantise`.
    """
    grids = [_grid(column(number), 2**bits - 1) for number in range(columns)]
    _check_range(grids, 2**bits)
    two_digit = np.flatnonzero([grid.top >= _BASE for grid in grids])
    codes = np.empty((rows, columns + len(two_digit)), np.int8)
    seconds = iter(range(columns, codes.shape[1]))
    for number, grid in enumerate(grids):
        levels = grid.levels(column(number))
        codes[:, number] = (_BASE - 1) - levels % _BASE
        if grid.top >= _BASE:
            codes[:, next(seconds)] = (_BASE - 1) - levels // _BASE
    return Quantised(
        codes=codes,
        two_digit=two_digit,
        scales=np.array([grid.scale for grid in grids]),
        centres=np.array([grid.centre for grid in grids]),
        steps=np.array([grid.step for grid in grids]),
    )


def products(residuals: CiphertextsT, columns: Quantised) -> CiphertextsT:
    """Returns encrypted sums over rows of integer feature times residual.

    Args:
        residuals: Encrypted integers, one per row.
        columns: The same rows of the quantised columns.

    Returns:
        One ciphertext per column; sum them over all blocks. Not re-randomised: add fresh
        encryptions before they leave.

    Raises:
        ValueError: The numbers of rows differ.
    """
    if len(residuals) != len(columns):
        raise ValueError(f"{len(residuals)} residuals do not fit {len(columns)} rows of features")
    passes, count = columns.codes.shape[1], len(columns.steps)

    # 1. Per pass: suffix sums over the digits, the last of which is the plain sum.
    suffixes = bucket_sums(residuals, columns.codes, _BASE, cumulative=True)
    starts = range(0, passes * _BASE, _BASE)
    weighted = [range(start, start + _BASE - 1) for start in starts]
    plain = [[starts[0] + _BASE - 1]] * count

    # 2. Multiply each pass by the value of its digit, and the plain sum by the centre.
    weights = [*columns.scales, *(_BASE * columns.scales[columns.two_digit]), *(-columns.centres)]
    terms = suffixes.sums([*weighted, *plain]).scale([int(weight) for weight in weights])

    # 3. Add up the terms of each column: low digit, centre and, where there is one, high digit.
    parts = [[column, passes + column] for column in range(count)]
    for number, column in enumerate(columns.two_digit.tolist(), start=count):
        parts[column].append(number)
    return terms.sums(parts)


@dataclass(frozen=True)
class _Grid:
    low: float
    gap: float
    top: int  # the highest level
    scale: int

    @property
    def step(self) -> float:
        return self.gap / self.scale

    @property
    def centre(self) -> int:
        return round(-self.low / self.step)

    def levels(self, column: Floats) -> Narrow:
        found = column - self.low
        found /= self.gap
        return np.rint(found, out=found).astype(np.int16)


def _grid(column: Floats, most: int) -> _Grid:
    if not np.isfinite(column).all():
        raise ValueError("a column holds infinities or values that are not numbers")
    distinct = np.unique(column)
    low, span = float(distinct[0]), float(distinct[-1] - distinct[0])
    if span == 0:
        return _Grid(low, gap=1.0, top=0, scale=1)
    top = _exact_top(distinct, most) or most
    return _Grid(low, span / top, top, scale=1 << (most // top).bit_length() - 1)


def _exact_top(distinct: Floats, most: int) -> int | None:
    """Returns the highest level of an evenly spaced grid that holds all values, or None."""
    offsets = distinct - distinct[0]
    span, closest = offsets[-1], np.diff(distinct).min()
    for fraction in range(1, _GAP_FRACTIONS + 1):
        if fraction * span >= (most + 0.5) * closest:  # the quotient could overflow
            return None
        top = np.rint(fraction * span / closest)
        levels = offsets * (top / span)
        if np.abs(levels - np.rint(levels)).max() < _GRID_TOLERANCE:
            return int(top)
    return None


def _check_range(grids: Sequence[_Grid], bound: int) -> None:
    for number, grid in enumerate(grids):
        if grid.centre >= bound or grid.top * grid.scale - grid.centre >= bound:
            raise ValueError(f"column {number} lies far from zero: standardise it first")
