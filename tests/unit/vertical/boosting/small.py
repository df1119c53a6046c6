"""Small problems with every kind of code, and the best split of one found by trying all."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Bins, Bools, Floats, Integers
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees.gradients import Units
from isthmus.vertical.boosting.trees.split import Range
from isthmus.vertical.boosting.trees.tree import CodeBook


@dataclass(frozen=True)
class Node:
    """Rows of one node."""

    bins: Bins  # shape (rows, codes)
    values: Integers  # shape (2, rows)
    units: Units
    book: CodeBook


def book(
    bins: list[int],
    categorical: list[int] | None = None,
    monotone: list[int] | None = None,
    owner: list[int] | None = None,
) -> CodeBook:
    """Facts about codes, given how many bins each has with the one of missing values."""
    none = [0] * len(bins)
    return CodeBook(
        np.array(owner or none),
        np.array(categorical or none, np.bool_),
        np.array(bins),
        np.array(monotone or none),
    )


def node(seed: int, rows: int = 40) -> Node:
    """Random rows with numeric, missing, categorical and monotone codes."""
    chance = np.random.default_rng(seed)
    codes = int(chance.integers(1, 5))
    facts = book(
        chance.integers(3, 8, codes).tolist(),
        categorical=(kind := chance.integers(0, 2, codes)).tolist(),
        monotone=(chance.integers(-1, 2, codes) * (1 - kind)).tolist(),
    )
    bins = np.column_stack([chance.integers(0, size, rows) for size in facts.bins])
    g, h = chance.integers(-100, 100, rows), chance.integers(0, 50, rows)
    return Node(bins.astype(np.int8), np.stack([g, h]), Units(2.0**-5, 2.0**-6), facts)


def every_way(bins: Integers, last: int, order: list[int] | None) -> Iterator[list[int]]:
    """Sets of bins that may go left, of a code whose bin of missing values is `last`."""
    held = sorted(set(bins.tolist()))
    if order is not None:
        for size in range(1, len(order)):
            yield order[:size]
        return
    values = [at for at in held if at != last]
    for size in range(len(values) + 1):
        yield values[:size]
        yield [*values[:size], last]


def score(g: float, h: float, l2: float, bounds: Range) -> tuple[float, float]:
    """Best leaf within bounds and what it takes off the loss, times two."""
    free = -g / (h + l2) if h + l2 > 0 else 0.0
    leaf = min(max(free, float(bounds.low)), float(bounds.high))
    return leaf, -(2 * g * leaf + (h + l2) * leaf**2)


def gain_of(rows: Node, code: int, left: Bools, bounds: Range, spec: Boosting) -> float | None:
    """Gain of sending some rows left, None where a rule forbids it."""
    g, h = (real.tolist() for real in rows.units.real(rows.values))
    pick = left.tolist()
    sums = [
        (
            sum(x for x, on in zip(g, pick, strict=True) if on == side),
            sum(x for x, on in zip(h, pick, strict=True) if on == side),
        )
        for side in (True, False)
    ]
    (left_leaf, a), (right_leaf, b) = (score(*each, spec.l2, bounds) for each in sums)
    _, whole = score(sum(g), sum(h), spec.l2, bounds)
    if all(pick) or not any(pick) or min(sums[0][1], sums[1][1]) < spec.minimum_child_weight:
        return None
    if rows.book.monotone[code] * (right_leaf - left_leaf) < 0:
        return None
    return a + b - whole


def best_gain(rows: Node, bounds: Range, spec: Boosting) -> float:
    """Largest gain of any split that is allowed, 0 where there is none."""
    best = 0.0
    for code in range(len(rows.book)):
        bins = rows.bins[:, code].astype(np.int64)
        order = _ranked(rows, code, spec.l2) if rows.book.categorical[code] else None
        for way in every_way(bins, int(rows.book.bins[code]) - 1, order):
            gain = gain_of(rows, code, np.isin(bins, way), bounds, spec)
            if gain is not None and gain > spec.minimum_gain:
                best = max(best, gain)
    return best


def _ranked(rows: Node, code: int, l2: float) -> list[int]:
    g, h = rows.units.real(rows.values)

    def ratio(at: int) -> float:
        inside = rows.bins[:, code] == at
        curvature = float(h[inside].sum()) + l2
        return float(g[inside].sum()) / curvature if curvature > 0 else 0.0

    return sorted(set(rows.bins[:, code].tolist()), key=ratio)


def signal(seed: int, rows: int, codes: int, width: int = 9) -> tuple[Bins, Floats]:
    """Bins of rows, the last for missing values, and a score that follows from three of them."""
    chance = np.random.default_rng(seed)
    bins = chance.integers(0, width, (rows, codes)).astype(np.int8)
    weights = np.zeros(codes)
    weights[: min(3, codes)] = (0.6, -0.4, 0.3)[: min(3, codes)]
    return bins, (bins - width / 2) @ weights + (bins[:, 0] == width - 1) * -3.0
