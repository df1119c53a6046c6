"""Standardisation of columns and labels by their owner: means and deviations are not sent."""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.vertical.regression.spec import Family


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of columns, each of shape (columns,)."""

    mean: Floats
    deviation: Floats

    def __call__(self, values: Floats) -> Floats:
        """Returns the standardised columns."""
        return (values - self.mean) / self.deviation


def fit(table: Table) -> Scaling:
    """Compute means and standard deviations of the columns of the training rows.

    Args:
        table: This party's aligned training rows.

    Returns:
        Means and standard deviations.

    Raises:
        SpecError: A column is constant on these rows.
    """
    mean = table.features.mean(axis=0)
    deviation = table.features.std(axis=0)
    same = [repr(name) for name, spread in zip(table.names, deviation, strict=True) if spread == 0]
    if same:
        which, them = ("column", "it") if len(same) == 1 else ("columns", "them")
        raise SpecError(
            f"{which} {', '.join(same)} {'has' if len(same) == 1 else 'have'} one single value on "
            f"the {len(table)} aligned training rows: leave {them} out of `columns` in your party "
            "file."
        )
    return Scaling(mean, deviation)


@dataclass(frozen=True)
class Label:
    """Labels as used in training, and their scaling."""

    values: Floats  # shape (rows,)
    mean: float = 0.0
    deviation: float = 1.0


def label(table: Table, family: Family) -> Label:
    """Returns the labels of the training rows: 0 and 1 unchanged, numbers standardised.

    Args:
        table: The active party's aligned training rows.
        family: The family of the model.

    Returns:
        The labels.

    Raises:
        SpecError: There is no label, it is constant, or it does not fit the family.
    """
    values = labels(table)
    if np.ptp(values) == 0:
        raise SpecError(
            f"the label has one single value on the {len(table)} training rows: there is nothing "
            "to learn. Check `label` of the data set."
        )
    if family == "gaussian":
        mean, deviation = float(values.mean()), float(values.std())
        return Label((values - mean) / deviation, mean, deviation)
    check_binary(values)
    return Label(values)


def check_binary(values: Floats) -> None:
    """Refuse labels that are not of two classes.

    Args:
        values: Shape (rows,).

    Raises:
        SpecError: One is neither 0 nor 1.
    """
    if not np.isin(values, (0.0, 1.0)).all():
        raise SpecError(
            "the label has values other than 0 and 1. Code it as 0 and 1, or set "
            '`family = "gaussian"` to fit a number.'
        )


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
