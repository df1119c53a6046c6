"""The logistic function of a sum that nobody knows, by functions of its parts.

The parts are the active party's share `a` of the predictor and those of the passive parties, b_1 to
b_m; u_i = b_1 + ... + b_i. As a matrix over a grid of `a` and `u_m`, sigmoid(a + u_m) has low rank:

    sigmoid(a + u_m) = f_0(a) + sum_k f_k(a) G_k(u_m).

G_k are its singular vectors, orthonormal under a weight of u_m and orthogonal to 1; f_k(a) are the
coefficients of least squares under the same weight, so that the error has mean 0 at every `a`. The
same again takes a party's share out of each G_j, with K functions H_k for all of them:

    G_j(u + b_m) = e_j0(b_m) + sum_k e_jk(b_m) H_k(u),    u = u_(m-1),

and so on down to functions of b_1, which the first passive party computes of its share. G_j counts
there as much as the coefficients f_j do. All parties compute the same functions from the spreads.
"""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from isthmus.core.arrays import Floats

_POINTS = 241
"""Points of a grid; odd, so that 0 is one."""

_REACH = 8.0
"""A grid ends at so many spreads; what lies beyond counts as its end."""

_TAILS = 0.05
"""Share of a weight that is uniform over the grid; the rest is normal."""

_TABLE = 1001
"""Points of a party's functions; values between two of them are interpolated."""

_UNIT = np.linspace(-_REACH, _REACH, _POINTS)
_NORMAL = np.exp(-0.5 * _UNIT**2)
_WEIGHTS = (1 - _TAILS) * _NORMAL / _NORMAL.sum() + _TAILS / _POINTS


@dataclass(frozen=True)
class Functions:
    """K functions of the sum of some shares, and what was left out to make do with K."""

    grid: Floats  # of the sum, shape (points,)
    values: Floats  # orthonormal, shape (K, points)
    importance: Floats  # root mean square of their coefficients, shape (K,)
    error: float

    @property
    def largest(self) -> Floats:
        """Largest magnitude of each function, shape (K,)."""
        largest: Floats = np.abs(self.values).max(axis=1)
        return largest

    def scaled(self, sums: Floats) -> Floats:
        """Returns the functions of sums, each from -1 to 1, shape (K, *sums.shape)."""
        return _interpolated(sums, self.grid, self.values / self.largest[:, np.newaxis])

    def coefficients(self, values: Floats) -> tuple[Floats, Floats]:
        """Expand functions of the sum in these, by least squares.

        Args:
            values: Of any functions at the points of our grid, shape (..., points).

        Returns:
            The constant, shape (...), and the coefficients of `scaled`, shape (K, ...).
        """
        weighted = values * _WEIGHTS
        found = np.moveaxis(weighted @ (self.values * self.largest[:, np.newaxis]).T, -1, 0)
        return weighted.sum(axis=-1), found


@dataclass(frozen=True)
class Logistic:
    """sigmoid(a + b_1 + ... + b_m) - y by products of K functions of each share."""

    functions: tuple[Functions, ...]
    """Those of b_1, of b_1 + b_2, and so on."""

    @property
    def count(self) -> int:
        """Products that make up a probability, K."""
        return len(self.functions[0].values)

    @property
    def error(self) -> float:
        """Root mean square of what is left of a probability, under the weights of the grids."""
        return float(np.sqrt(sum(each.error**2 for each in self.functions)))

    def of_first(self, share: Floats) -> Floats:
        """Returns functions of the first passive party's share, from -1 to 1, shape (K, rows)."""
        return self.functions[0].scaled(share)

    def of_middle(self, share: Floats, position: int) -> tuple[Floats, Floats]:
        """Returns functions of another passive party's share.

        Args:
            share: Shape (rows,).
            position: Of the party: 1 is the second passive one.

        Returns:
            What is added to each result, shape (K, rows), and what the functions of the parties
            before are multiplied by, shape (K, K, rows), those of a result first.
        """
        points = _points(share)
        constants, factors = self._middle(position, points)
        return _interpolated(share, points, constants), _interpolated(share, points, factors)

    def of_active(self, share: Floats, label: Floats) -> tuple[Floats, Floats]:
        """Returns f_0 less the label, shape (rows,), and f_1 to f_K, shape (K, rows)."""
        points, last = _points(share), self.functions[-1]
        constant, table = last.coefficients(_sigmoid(points[:, np.newaxis] + last.grid))
        return (
            _interpolated(share, points, constant) - label,
            _interpolated(share, points, table),
        )

    def growth(self, position: int) -> tuple[Floats, Floats]:
        """Bound how a middle party's results differ from the functions that they stand for.

        Args:
            position: Of the party.

        Returns:
            The largest error of each result, of exact functions before it, shape (K,), and the
            largest magnitudes of factors, by which errors before it grow, shape (K, K).
        """
        before, after = self.functions[position - 1 : position + 1]
        end = float(after.grid[-1] + before.grid[-1])  # beyond it, functions are constant
        points = np.linspace(-end, end, _POINTS)
        constants, factors = self._middle(position, points)
        exact = after.scaled(points[:, np.newaxis] + before.grid)
        given = before.scaled(before.grid)
        found = constants[..., np.newaxis] + np.einsum("jkp,ku->jpu", factors, given)
        return np.abs(found - exact).max(axis=(1, 2)), np.abs(factors).max(axis=2)

    def _middle(self, position: int, points: Floats) -> tuple[Floats, Floats]:
        # What is added, and the factors, for shares at these points.
        before, after = self.functions[position - 1 : position + 1]
        constants, factors = before.coefficients(after.scaled(points[:, np.newaxis] + before.grid))
        return constants, np.swapaxes(factors, 0, 1)


@cache
def logistic(active_spread: float, spreads: tuple[float, ...], count: int) -> Logistic:
    """Expand the logistic function.

    Args:
        active_spread: Standard deviation of the active party's share.
        spreads: Those of the passive parties' shares, in the order of the products.
        count: How many products, K.

    Returns:
        The functions, for all parties.
    """
    sums = np.sqrt(np.cumsum(np.square(spreads)))
    found = [_of_means(active_spread, float(sums[-1])).first(count)]
    for spread, of_sum in zip(reversed(spreads[1:]), reversed(sums[:-1]), strict=True):
        after, grid = found[0], of_sum * _UNIT
        shifted = spread * _UNIT[:, np.newaxis] + grid
        values = _interpolated(shifted, after.grid, after.values)
        found.insert(0, _all_functions(values * after.importance[:, None, None], grid).first(count))
    return Logistic(tuple(found))


def enough(active_spread: float, spreads: tuple[float, ...], error: float, most: int) -> int | None:
    """Returns the least number of products whose error is at most `error`; None: above `most`."""

    def suffices(count: int) -> bool:
        return logistic(active_spread, spreads, count).error <= error

    # Errors fall with the number.
    found = 1 + bisect_left(range(1, most + 1), x=True, key=suffices)
    return found if found <= most else None


@cache
def _of_means(active_spread: float, spread: float) -> "_AllFunctions":
    grid = spread * _UNIT
    return _all_functions(_sigmoid(active_spread * _UNIT[:, np.newaxis] + grid)[np.newaxis], grid)


@dataclass(frozen=True)
class _AllFunctions:
    """All singular vectors of a grid, the most important ones first."""

    grid: Floats
    values: Floats
    importance: Floats

    def first(self, count: int) -> Functions:
        left = float(np.sqrt((self.importance[count:] ** 2).sum()))
        return Functions(self.grid, self.values[:count], self.importance[:count], left)


def _all_functions(values: Floats, grid: Floats) -> _AllFunctions:
    # Functions of a grid, shape (functions, points of the share, points of the grid). Singular
    # vectors from squares: what they lose is far below the error of any useful number of them.
    varying = values - (values @ _WEIGHTS)[..., np.newaxis]
    root = np.sqrt(_WEIGHTS)
    weighted = (root[:, np.newaxis] * varying * root).reshape(-1, len(root))
    squares, vectors = np.linalg.eigh(weighted.T @ weighted)
    singular, vectors = np.sqrt(np.maximum(squares[::-1], 0.0)), vectors.T[::-1]
    # Libraries of linear algebra differ in the sign of a singular vector; parties must not.
    return _AllFunctions(grid, vectors / root * np.sign(vectors[:, -1:]), singular)


def _sigmoid(predictor: Floats) -> Floats:
    mean: Floats = special.expit(predictor)
    return mean


def _points(share: Floats) -> Floats:
    return np.linspace(float(share.min()), float(share.max()), _TABLE)


def _interpolated(share: Floats, points: Floats, table: Floats) -> Floats:
    """Interpolate functions.

    Args:
        share: Where to, any shape.
        points: Where the functions are known.
        table: Their values there, shape (..., points).

    Returns:
        Shape (..., *share.shape).
    """
    rows = [np.interp(share, points, row) for row in table.reshape(-1, len(points))]
    return np.array(rows).reshape(*table.shape[:-1], *share.shape)
