"""Whether the rows that are scored are like those that were trained on."""

from collections.abc import Collection, Sequence

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.evaluation.probabilities import in_quantiles, quantiles

GROUPS = 10
"""Groups of equal size among the rows that were trained on."""


def population_stability(trained: Floats, scored: Floats, *, categorical: bool = False) -> float:
    """Returns the population stability index (PSI) of a column or of scores.

    Groups are those of equal size among the trained rows, or each category; empty cells are a group
    of their own. Half a row is added to each group, so that an empty one has a logarithm.

    Args:
        trained: Values of the rows that were trained on, shape (rows,); NaN is an empty cell.
        scored: Values of the rows that are scored, shape (other rows,).
        categorical: Whether each value is a group of its own.

    Returns:
        At least 0, which is no shift at all.

    Raises:
        SpecError: There are no rows on one side.

    Source:
        Siddiqi 2006, "Credit risk scorecards"; it is the symmetric Kullback-Leibler divergence.
    """
    if not len(trained) or not len(scored):
        raise SpecError(f"{len(trained):,} rows were trained on and {len(scored):,} are scored.")
    known = trained[~np.isnan(trained)]
    bounds = np.unique(known) if categorical else quantiles(known, GROUPS)
    before, after = _counts(trained, bounds), _counts(scored, bounds)
    there = (before > 0) | (after > 0)
    p, q = _shares(before[there]), _shares(after[there])
    return float(np.sum((q - p) * np.log(q / p)))


def sampling_noise(trained: int, scored: int) -> float:
    """Returns the index that two samples of the same kind come to on average.

    Args:
        trained: Number of rows that were trained on.
        scored: Number of rows that are scored.

    Returns:
        The mean, for ten groups.

    Raises:
        SpecError: There are no rows on one side.

    Source:
        Yurdakul 2018, "Statistical properties of population stability index": with groups - 1
        degrees of freedom, about a chi-square times the sum of the inverse numbers of rows.
    """
    if not trained or not scored:
        raise SpecError(f"{trained:,} rows were trained on and {scored:,} are scored.")
    return (GROUPS - 1) * (1 / trained + 1 / scored)


def of_columns(
    names: Sequence[str], trained: Floats, scored: Floats, categorical: Collection[str] = ()
) -> dict[str, float]:
    """Returns the population stability index of each column.

    Args:
        names: Names of the columns.
        trained: Rows that were trained on, shape (rows, columns).
        scored: Rows that are scored, shape (other rows, columns).
        categorical: Names of columns that hold numbers of categories.

    Returns:
        The index by name, the largest first.
    """
    found = {
        name: population_stability(
            trained[:, place], scored[:, place], categorical=name in categorical
        )
        for place, name in enumerate(names)
    }
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def _counts(values: Floats, bounds: Floats) -> Floats:
    """Returns the rows in each group, those above the last bound, and those with empty cells."""
    known = values[~np.isnan(values)]
    groups = np.bincount(in_quantiles(known, bounds), minlength=len(bounds) + 1)
    return np.append(groups, len(values) - len(known)).astype(np.float64)


def _shares(counts: Floats) -> Floats:
    smoothed: Floats = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return smoothed
