"""Weight of evidence and information value of bins, by one party on its own columns.

With e of E events (label 1) and o of O other rows in a bin of a column of B bins, and s for
smoothing, the shares are p = (e + s) / (E + s B) and q = (o + s) / (O + s B). The weight of
evidence of the bin is log(p / q): a positive one has more events than all rows have. The
information value of the column is the sum of (p - q) log(p / q) over its bins.

Source: Siddiqi 2006, "Credit risk scorecards", chapter 6, which has the ratio the other way round.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.data import binning
from isthmus.data.binning import Binning, Categorical, Numeric
from isthmus.data.table import Table
from isthmus.vertical.preparation.columns import Evidence
from isthmus.vertical.preparation.spec import WeightOfEvidence

Edges = Mapping[str, Sequence[float]]
"""Where bins of a column of numbers end, by column."""


@dataclass(frozen=True)
class Grouped:
    """The bins of one column, with small ones joined, before anything is known of labels."""

    binning: Binning
    group: list[int]
    codes: NDArray[np.int8]
    """Group of each training row, shape (rows,)."""

    @property
    def groups(self) -> int:
        """Number of groups."""
        return max(self.group) + 1

    @property
    def rows(self) -> Integers:
        """Training rows of each group, shape (groups,)."""
        return np.bincount(self.codes, minlength=self.groups)


def group(train: Table, spec: WeightOfEvidence, edges: Edges) -> list[Grouped]:
    """Find the bins of all columns, each with enough rows.

    Args:
        train: This party's training rows.
        spec: The `[preparation.woe]` table.
        edges: From the table of the data set.

    Returns:
        The bins of each column.

    Raises:
        SpecError: A column has one single value, too many edges, or too few rows for two bins.
    """
    found = binning.fit(train, spec.bins)
    for at, each in enumerate(found):
        if each.name in edges and isinstance(each, Numeric):
            found[at] = Numeric(each.name, _given(each.name, edges[each.name], spec))
    bins = binning.encode(found, train)
    return [_joined(each, bins[:, at], spec.least_rows) for at, each in enumerate(found)]


def _given(name: str, ends: Sequence[float], spec: WeightOfEvidence) -> list[float]:
    if len(ends) >= spec.bins:
        raise SpecError(
            f"column {name!r} has {len(ends)} `edges` in your party file, which make "
            f"{len(ends) + 1} bins, and `preparation.woe.bins` of the job is {spec.bins}: take "
            "some out, or agree on more bins."
        )
    return [float(end) for end in ends]


def _joined(each: Binning, bins: NDArray[np.int8], least: int) -> Grouped:
    """Join bins with few rows: to the next one, or, of empty cells, to the largest one.

    Args:
        each: The bins of a column.
        bins: That of each training row, shape (rows,).
        least: Fewest rows of a bin.

    Returns:
        The bins in groups.

    Raises:
        SpecError: There are no two groups with so many rows.
    """
    *counts, empty = np.bincount(bins, minlength=each.bins).tolist()
    group, sizes, rows = list[int](), list[int](), 0
    for count in counts:
        group.append(len(sizes))
        rows += count
        if rows >= least:
            sizes.append(rows)
            rows = 0
    groups = len(sizes) + (empty >= least)
    if not sizes or groups == 1:
        raise SpecError(
            f"column {each.name!r} has no two bins of {least:,} aligned training rows: leave it "
            "out of `columns` in your party file, or agree on a lower `preparation.woe.least_rows`."
        )
    last = len(sizes) - 1  # what is left at the end are too few rows: they go to the last group
    sizes[last] += rows
    group = [min(number, last) for number in group]
    group.append(last + 1 if empty >= least else int(np.argmax(sizes)))
    return Grouped(each, group, np.array(group, np.int8)[bins])


def label_sums(grouped: Sequence[Grouped], label: Floats) -> list[Integers]:
    """Returns the events of each group of each column, where the labels are at hand."""
    return [
        np.bincount(each.codes, weights=label, minlength=each.groups).astype(np.int64)
        for each in grouped
    ]


def weigh(each: Grouped, events: Integers, spec: WeightOfEvidence) -> Evidence:
    """Compute weight of evidence and information value of one column.

    Args:
        each: Its bins.
        events: Training rows of each group whose label is 1, shape (groups,).
        spec: The `[preparation.woe]` table.

    Returns:
        The column as it is trained on.
    """
    rows = each.rows
    share, other = _shares(events, spec.smoothing), _shares(rows - events, spec.smoothing)
    weights = np.log(share / other)
    return Evidence(
        binning=each.binning,
        group=each.group,
        rows=rows.tolist(),
        events=events.tolist(),
        weights=weights.tolist(),
        information=float(np.sum((share - other) * weights)),
    )


def bins_in_words(column: Evidence) -> list[str]:
    """Returns which values each group of bins has, in words, for people at the column's owner."""
    each, group = column.binning, column.group
    if isinstance(each, Categorical):
        parts = [*zip([*_categories(each), "empty or unknown"], group, strict=True)]
    else:
        parts = [*_ranges(each.ends, group), ("empty", group[-1])]
    return [
        " or ".join(name for name, number in parts if number == at)
        for at in range(len(column.weights))
    ]


def _categories(each: Categorical) -> list[str]:
    return [", ".join(it for it in each.bin_of if each.bin_of[it] == at) for at in _numbers(each)]


def _ranges(ends: Sequence[float], group: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Yields each range of numbers and its group; neighbours of one group are one range."""
    kept = [at for at in range(len(ends)) if group[at] != group[at + 1]]
    words = [f"{ends[at]:.6g}" for at in kept]
    if not words:
        names = ["any number"]
    else:
        between = [f"over {low} to {high}" for low, high in pairwise(words)]
        names = [f"up to {words[0]}", *between, f"over {words[-1]}"]
    yield from zip(names, [*(group[at] for at in kept), group[len(ends)]], strict=True)


def _numbers(each: Categorical) -> range:
    return range(each.bins - 1)


def _shares(counts: Integers, smoothing: float) -> Floats:
    smoothed: Floats = (counts + smoothing) / (counts.sum() + smoothing * len(counts))
    return smoothed
