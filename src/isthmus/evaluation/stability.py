"""Whether the rows that are scored are like those that were trained on."""

from collections.abc import Mapping, Sequence

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.evaluation.probabilities import in_quantiles, quantiles
from isthmus.evaluation.validation import Groups

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
    return shift(groups(trained, categorical=categorical), scored)


def groups(trained: Floats, *, categorical: bool = False) -> Groups:
    """Returns the groups of the rows that were trained on, which `shift` compares with others.

    Args:
        trained: Values of a column or scores, shape (rows,); NaN is an empty cell.
        categorical: Whether each value is a group of its own.

    Returns:
        Bounds of the groups, and the rows in each.
    """
    known = trained[~np.isnan(trained)]
    bounds = np.unique(known) if categorical else quantiles(known, GROUPS)
    return Groups(bounds.tolist(), _counts(trained, bounds).tolist())


def shift(trained: Groups, scored: Floats) -> float:
    """Returns the population stability index, as `population_stability` does.

    Args:
        trained: Groups of the rows that were trained on.
        scored: Values of the rows that are scored, shape (rows,).

    Returns:
        At least 0, which is no shift at all.

    Raises:
        SpecError: There are no rows on one side.
    """
    before = np.array(trained.rows, np.int64)
    if not before.sum() or not len(scored):
        raise SpecError(f"{before.sum():,} rows were trained on and {len(scored):,} are scored.")
    after = _counts(scored, np.array(trained.bounds, np.float64))
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
    trained: Mapping[str, Groups], names: Sequence[str], scored: Floats
) -> dict[str, float]:
    """Returns the population stability index of each column.

    Args:
        trained: Groups of the rows that were trained on, by column.
        names: Names of the columns of the rows that are scored, which are the same.
        scored: Rows that are scored, shape (rows, columns).

    Returns:
        The index by name, the largest first.

    Raises:
        SpecError: There are no rows on one side.
    """
    found = {name: shift(trained[name], scored[:, place]) for place, name in enumerate(names)}
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def _counts(values: Floats, bounds: Floats) -> Integers:
    """Returns the rows in each group, those above the last bound, and those with empty cells."""
    known = values[~np.isnan(values)]
    each = np.bincount(in_quantiles(known, bounds), minlength=len(bounds) + 1)
    return np.append(each, len(values) - len(known))


def _shares(counts: Integers) -> Floats:
    smoothed: Floats = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return smoothed
