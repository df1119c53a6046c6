"""Standardisation of columns and labels by their owner: means and deviations are not sent."""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.vertical.regression import families
from isthmus.vertical.regression.rows import blocks
from isthmus.vertical.regression.spec import LinearModel

_LARGEST_OFFSET = 50.0

_TOGETHER = 4
"""Columns whose deviations are found together: that takes a copy of them."""

_BLOCK = 2**16
"""Rows that are standardised at a time."""

_COLLINEAR = 1e-9
"""Share of a column's length that is rounding, where the rest is a combination of others."""


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of columns, each of shape (columns,)."""

    mean: Floats
    deviation: Floats

    def __call__(self, values: Floats) -> Floats:
        """Returns the standardised columns."""
        found: Floats = values - self.mean
        found /= self.deviation
        return found

    def with_ones(self, values: Floats) -> Floats:
        """Returns the standardised columns and, last, a column of ones, for an intercept."""
        found = np.ones((len(values), values.shape[1] + 1))
        for block in blocks(0, len(values), _BLOCK):
            found[block, :-1] = self(values[block])
        return found

    def column(self, values: Floats, number: int) -> Floats:
        """Returns one standardised column, shape (rows,)."""
        found: Floats = values[:, number] - self.mean[number]
        found /= self.deviation[number]
        return found


def fit(table: Table) -> Scaling:
    """Compute means and standard deviations of the columns of the training rows.

    Args:
        table: This party's aligned training rows.

    Returns:
        Means and standard deviations.

    Raises:
        SpecError: A column is constant on these rows, or has cells that are not finite.
    """
    wild = [len(table) - int(np.isfinite(column).sum()) for column in table.features.T]
    if any(wild):
        counts = zip(table.names, wild, strict=True)
        few = ", ".join(f"{name!r} ({count:,})" for name, count in counts if count)
        raise SpecError(
            f"cells of {few} are infinite or not a number, on the {len(table)} aligned training "
            "rows: correct them, or leave the column out of `columns` in your party file."
        )
    mean = table.features.mean(axis=0)
    deviation = _deviations(table.features)
    same = [repr(name) for name, spread in zip(table.names, deviation, strict=True) if spread == 0]
    if same:
        which, them = ("column", "it") if len(same) == 1 else ("columns", "them")
        raise SpecError(
            f"{which} {', '.join(same)} {'has' if len(same) == 1 else 'have'} one single value on "
            f"the {len(table)} aligned training rows: leave {them} out of `columns` in your party "
            "file."
        )
    return Scaling(mean, deviation)


def _deviations(features: Floats) -> Floats:
    # A few columns at a time, and at least two: numpy adds up one alone in another order.
    count = features.shape[1]
    starts = [*range(0, count - _TOGETHER + 1, _TOGETHER)] or [0]
    ends = [*starts[1:], count]
    parts = [features[:, start:end].std(axis=0) for start, end in zip(starts, ends, strict=True)]
    return np.concatenate(parts)


@dataclass(frozen=True)
class Label:
    """Labels of the training rows as they are trained on, and what else a row's loss depends on."""

    values: Floats
    """Shape (rows,); those of a gaussian family are standardised, and without their offset."""

    weight: Floats
    """What each row counts for, shape (rows,); the mean is 1."""

    offset: Floats
    """What is added to each row's predictor, shape (rows,)."""

    mean: float = 0.0
    deviation: float = 1.0
    tweedie_power: float = 1.5
    shifted: bool = False  # whether rows have an offset or an exposure


def label(table: Table, spec: LinearModel) -> Label:
    """Returns the labels of the training rows: numbers standardised, all others unchanged.

    Args:
        table: The active party's aligned training rows.
        spec: Family and weights of classes.

    Returns:
        The labels.

    Raises:
        SpecError: There is no label, it is constant, or it does not fit the family; or weights or
            offsets do not.
    """
    values = labels(table)
    families.likelihood(spec).check(values)
    missing = spec.classes - len(np.unique(values))
    if missing > 0:
        raise SpecError(
            f"{missing} of {spec.classes} classes {'has' if missing == 1 else 'have'} no row to "
            "train on: number the others from 0, and set `classes` to how many there are."
        )
    offset, shifted = _offset(table, spec), table.offset is not None
    weight = _weight(table, values, spec)
    counted = values[weight > 0]
    if np.ptp(counted) == 0 and table.offset is None:
        few = "" if len(counted) == len(table) else " that count"
        raise SpecError(
            f"the label has one single value on the {len(counted):,} training rows{few}: there is "
            "nothing to learn. Check `label` of the data set."
        )
    if spec.family != "gaussian":
        power = spec.tweedie_power
        return Label(values, weight, offset, tweedie_power=power, shifted=shifted)
    values = values - offset
    mean = float(np.mean(weight * values))
    deviation = float(np.sqrt(np.mean(weight * (values - mean) ** 2)))
    if deviation == 0:
        raise SpecError(
            "the label without its offset has one single value on the training rows: there is "
            "nothing to learn. Check `offset` of the data set."
        )
    zero = np.zeros(len(values))
    return Label((values - mean) / deviation, weight, zero, mean, deviation, shifted=shifted)


def check_scored(train: Table, test: Table, spec: LinearModel) -> None:
    """Refuse rows to score that are not as those to train on.

    Args:
        train: The rows to train on.
        test: The rows to score, whose labels need not be known.
        spec: The family.

    Raises:
        SpecError: Known labels are outside the family, or one has offsets and the other has none.
    """
    if test.label is not None:
        families.likelihood(spec).check(test.label[~np.isnan(test.label)])
    if (train.offset is None) != (test.offset is None):
        raise SpecError(
            "of the data sets to train on and to score, one has an `exposure` or an `offset`, and "
            "the other has none: name the column in both."
        )


def check(table: Table, spec: LinearModel) -> None:
    """Refuse columns of one party for which no coefficients are the best ones.

    Args:
        table: The party's training rows.
        spec: The penalty.

    Raises:
        SpecError: Without a penalty, a column is a combination of others.
    """
    if spec.penalty > 0 or not table.names:
        return
    from scipy import linalg  # noqa: PLC0415 - most jobs have a penalty, and check without it

    deviation = _deviations(table.features)
    varying = np.flatnonzero(deviation > 0)  # a constant column is refused in other words
    x = (table.features[:, varying] - table.features[:, varying].mean(axis=0)) / deviation[varying]
    triangle, order = linalg.qr(x, mode="r", pivoting=True)
    size = np.abs(np.diag(triangle))
    dependent = np.flatnonzero(size < _COLLINEAR * size[:1])
    if len(dependent):
        names = [repr(table.names[varying[order[place]]]) for place in dependent]
        one = len(names) == 1
        raise SpecError(
            f"{'column' if one else 'columns'} {', '.join(names)} {'is a' if one else 'are'} "
            f"linear combination{'' if one else 's'} of the others on these {len(table):,} rows, "
            "so that no coefficients are the best ones: leave "
            f"{'it' if one else 'them'} out of `columns`, or agree on a `penalty` above 0."
        )


def _offset(table: Table, spec: LinearModel) -> Floats:
    if table.offset is not None and spec.family == "multinomial":
        raise SpecError(
            "a multinomial regression has a predictor for each class, and an offset is one number: "
            "take `offset` and `exposure` out of the data set."
        )
    beyond = int((np.abs(table.offsets) > _LARGEST_OFFSET).sum())
    if beyond and spec.family != "gaussian":
        raise SpecError(
            "an offset is added to the logarithm of the mean, or of the odds, and "
            f"{beyond:,} of {len(table):,} are beyond {_LARGEST_OFFSET:g}: if they are amounts, "
            "name their column as `exposure`, whose logarithm is taken."
        )
    return table.offsets


def _weight(table: Table, values: Floats, spec: LinearModel) -> Floats:
    # The weights of the rows, times those of their classes; their mean is 1.
    weight = table.weights
    below = int((weight < 0).sum())
    if below or not weight.any():
        what = f"{below:,} of {len(weight):,} are below 0" if below else "all are 0"
        raise SpecError(
            f"sample weights say how much a row counts, and {what}: correct the column that "
            "`weight` of the data set names."
        )
    if spec.class_weight == "balanced":
        classes, which = np.unique(values, return_inverse=True)
        sums = np.bincount(which, weight, len(classes))
        if not sums.all():
            raise SpecError(
                "all rows of a class have the weight 0, so that nothing balances it: take "
                '`class_weight = "balanced"` out, or correct the weights.'
            )
        weight = weight / sums[which]
    return weight / np.mean(weight)


def labels(table: Table) -> Floats:
    """Returns the labels as they are in the data.

    Args:
        table: Rows of the active party.

    Returns:
        Shape (rows,).

    Raises:
        SpecError: There are no labels.
    """
    if table.label is None:
        raise SpecError("the active party's data has no label: set `label` in its party file.")
    return table.label


def counted_labels(table: Table) -> Floats:
    """Returns the labels of the rows that count: what is told is about these alone."""
    return labels(table)[table.weights > 0]
