"""The best split of a node, and the value of a leaf.

Sums of gradients g and hessians h are exact integers in fixed point. Gains are computed from them
in float64 by one function, so the same sums always give the same split.
"""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees.gradients import Units
from isthmus.vertical.boosting.trees.tree import CodeBook

_ROUNDING = 2.0**-30
"""A gain below this share of the children's score is taken for a rounding error."""


@dataclass(frozen=True)
class Range:
    """Bounds on the values of leaves under a node, from monotone constraints and the objective."""

    low: Floats | float
    high: Floats | float


ANY = Range(-np.inf, np.inf)
"""No bounds."""


@dataclass(frozen=True)
class Split:
    """The best split of one node."""

    position: int
    """Position of the code among the tree's codes."""

    left: Bools
    """Bins that go left, shape (most bins,)."""

    gain: float

    totals: Integers
    """Sums of g and h on the left side, shape (2,)."""


def leaf(g: Floats, h: Floats, l2: float, bounds: Range) -> Floats:
    """Returns the value that minimises the second-order loss of a leaf.

    Args:
        g: Sums of gradients, any shape.
        h: Sums of hessians, same shape.
        l2: Penalty, >= 0.
        bounds: Bounds of the value; arrays must broadcast to the shape of the sums.

    Returns:
        -g / (h + l2) within the bounds, same shape; 0 where h + l2 = 0.
    """
    curvature = h + l2
    free = np.divide(-g, curvature, out=np.zeros_like(g), where=curvature > 0)
    return np.clip(free, bounds.low, bounds.high)


def _score(g: Floats, h: Floats, l2: float, value: Floats) -> Floats:
    # Twice the loss reduction of a leaf with this value: g^2 / (h + l2) if no bound is active.
    return -(2 * g + (h + l2) * value) * value


@dataclass(frozen=True)
class _Candidates:
    """All possible splits of one node, as sums of the left side.

    The last axis, of length 2, says where missing values go: right, left.
    """

    totals: Integers  # shape (2, codes, width, 2)
    valid: Bools  # shape (codes, width, 2)
    order: Integers  # of the bins of each code, shape (codes, width)


def best_split(
    sums: Integers, starts: Bools, bounds: Range, units: Units, book: CodeBook, spec: Boosting
) -> Split | None:
    """Returns the split of one node with the largest gain; ties go to the first code, then bin.

    Args:
        sums: Sums of g and h by group of bins, at the first bin of each group,
            shape (2, codes, width).
        starts: Where a group of bins starts, shape (codes, width). Every group has rows.
        bounds: Bounds of the leaves under this node.
        units: Units of the sums.
        book: Facts about the codes, in the order of `sums`.
        spec: The `[boosting]` table: penalty, minimum gain and minimum child weight.

    Returns:
        The split, or None if no split is allowed and has enough gain.

    Source:
        Chen & Guestrin 2016 (XGBoost), equations 6 and 7; missing values: algorithm 3; monotone
        constraints: bounds passed down as in XGBoost. Categories sorted by gradient: Fisher 1958.
    """
    candidates = _candidates(sums, starts, units, book, spec.l2)
    total = sums[:, 0].sum(axis=-1)
    left_g, left_h = units.real(candidates.totals)
    right_g, right_h = units.real(total[:, None, None, None] - candidates.totals)
    node_g, node_h = units.real(total)

    left = leaf(left_g, left_h, spec.l2, bounds)
    right = leaf(right_g, right_h, spec.l2, bounds)
    node = leaf(node_g, node_h, spec.l2, bounds)
    children = _score(left_g, left_h, spec.l2, left) + _score(right_g, right_h, spec.l2, right)
    gain = children - _score(node_g, node_h, spec.l2, node)

    allowed = candidates.valid & (np.minimum(left_h, right_h) >= spec.minimum_child_weight)
    allowed &= book.monotone[:, None, None] * (right - left) >= 0
    allowed &= gain > np.maximum(spec.minimum_gain, _ROUNDING * children)
    if not allowed.any():
        return None
    best = int(np.argmax(np.where(allowed, gain, -np.inf)))
    position, cut, missing_left = (int(at) for at in np.unravel_index(best, gain.shape))
    sent = _bins_left(starts[position], candidates.order[position], cut, bool(missing_left))
    return Split(
        position,
        sent & (np.arange(len(sent)) < book.bins[position]),
        float(gain[position, cut, missing_left]),
        candidates.totals[:, position, cut, missing_left],
    )


def _candidates(
    sums: Integers, starts: Bools, units: Units, book: CodeBook, l2: float
) -> _Candidates:
    last = book.bins[:, None] - 1
    codes, width = len(book), int(starts.shape[1])
    bins = np.arange(width)

    # Numeric columns: bins up to a cut go left. If missing values are a group, both ways are tried
    # for them. At the last cut nothing else would be on the right, so there only missing values go
    # left: a monotone constraint may allow them on one side of the values only.
    missing = starts & (bins == last)
    order = np.tile(bins, (codes, 1))
    prefix = np.where(missing, 0, sums).cumsum(axis=-1)
    of_missing = np.where(missing, sums, 0).sum(axis=-1, keepdims=True)
    cut = np.zeros_like(starts)
    cut[:, :-1] = starts[:, 1:]
    both = cut & missing.any(axis=-1, keepdims=True)
    with_missing = np.where(bins + 1 == last, 0, prefix) + of_missing

    # Categorical columns: bins are sorted by the value of a leaf of each bin; a prefix goes left.
    for code in np.flatnonzero(book.categorical):
        g, h = units.real(sums[:, code])
        by_value = np.where(starts[code], -leaf(g, h, l2, ANY), np.inf)
        order[code] = np.argsort(by_value, kind="stable")
        prefix[:, code] = sums[:, code, order[code]].cumsum(axis=-1)
        cut[code], both[code] = bins < starts[code].sum() - 1, False
    totals = np.stack([prefix, with_missing], axis=-1)
    return _Candidates(totals, np.stack([cut, both], axis=-1), order)


def _bins_left(starts: Bools, order: Integers, cut: int, missing_left: bool) -> Bools:  # noqa: FBT001
    group = np.cumsum(starts)
    left: Bools = np.isin(group, group[order[: cut + 1]])
    if not missing_left:
        return left
    missing: Bools = group == group[-1]
    return missing if missing[cut + 1] else left | missing
