"""One party's columns, from its training rows to those that a selection leaves: no message."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.crypto import radix
from isthmus.crypto.radix import Quantised
from isthmus.data.table import Table
from isthmus.vertical.preparation import evidence, fitting, selection
from isthmus.vertical.preparation.columns import Column, LeftOut, Prepared
from isthmus.vertical.preparation.evidence import Grouped
from isthmus.vertical.preparation.selection import Moments
from isthmus.vertical.preparation.spec import Preparation, Selection
from isthmus.vertical.regression import scaling

Events = Callable[[Sequence[Grouped]], Sequence[Integers]]
"""Finds the rows of label 1 in each group of bins of each column."""


@dataclass(frozen=True)
class Own:
    """All that one party brings to the preparation."""

    train: Table
    """Its training rows, in the common order."""

    edges: Mapping[str, Sequence[float]] = field(default_factory=dict[str, Sequence[float]])
    """Where bins of its columns end, if its party file says so."""

    orders: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Categories of its columns in their order, likewise."""


@dataclass(frozen=True)
class Candidates:
    """Columns that are not left out so far, and those that are."""

    columns: list[Column]
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])

    def prepared(self, more: Prepared | None = None) -> Prepared:
        """Returns the columns to train on, after a comparison if there was one.

        Args:
            more: What came of the comparison.

        Returns:
            The columns.

        Raises:
            SpecError: None is left.
        """
        found = more or Prepared(columns=self.columns)
        every = [*self.left_out, *found.left_out]
        if not found.columns:
            told = "; ".join(f"{each.column.name!r}, as {each.why}" for each in every[:_NAMED])
            raise SpecError(
                f"`preparation.select` of the job leaves none of our {len(every)} columns: it "
                f"takes out {told}{'; and others' if len(every) > _NAMED else ''}. Agree on other "
                "limits, or bring other `columns`."
            )
        return Prepared(columns=found.columns, left_out=every, inflation=found.inflation)


_NAMED = 3


def candidates(own: Own, spec: Preparation, events: Events) -> Candidates:
    """Make our columns, and leave out those that tell too little.

    Args:
        own: Our rows.
        spec: The `[preparation]` table.
        events: Finds the rows of label 1 by bin; called for weight of evidence alone.

    Returns:
        Our columns.

    Raises:
        SpecError: A column does not fit the steps.
    """
    if spec.woe is None:
        return Candidates(fitting.fit(own.train, spec, own.orders))
    grouped = evidence.group(own.train, spec.woe, own.edges)
    sums = events(grouped)
    columns: list[Column] = [
        evidence.weigh(each, of_bins, spec.woe) for each, of_bins in zip(grouped, sums, strict=True)
    ]
    if spec.select is None or spec.select.information is None:
        return Candidates(columns)
    return Candidates(*selection.by_information(columns, spec.select.information))


def compared(own: Own, found: Candidates, spec: Selection | None) -> Prepared:
    """Leave out columns that repeat others of our own.

    Args:
        own: Our rows.
        found: Our columns.
        spec: The `[preparation.select]` table.

    Returns:
        The columns to train on.

    Raises:
        SpecError: None is left, or one has a single value.
    """
    if spec is None or not spec.compares or not found.columns:
        return found.prepared()
    moments = selection.moments(quantised(own, found.columns).integers())
    return found.prepared(selection.by_comparison(found.columns, moments, spec))


def compared_with(
    own: Own, found: Candidates, spec: Selection, theirs: Moments, between: Integers
) -> Prepared:
    """Leave out columns that repeat others of our own, or of the active party.

    Args:
        own: Our rows.
        found: Our columns.
        spec: The `[preparation.select]` table.
        theirs: Moments of the active party's columns.
        between: Sums of products of our columns and its, shape (our columns, its columns).

    Returns:
        The columns to train on.

    Raises:
        SpecError: None is left, or one has a single value.
    """
    moments = selection.moments(quantised(own, found.columns).integers())
    both, others = moments.beside(theirs, between), len(theirs.sums)
    return found.prepared(selection.by_comparison(found.columns, both, spec, others))


def quantised(own: Own, columns: Sequence[Column], most: int = 0) -> Quantised:
    """Standardise prepared columns, and round them to integers.

    Args:
        own: Our rows.
        columns: The columns.
        most: How many there are in the result at least: those that we lack are zero.

    Returns:
        The columns in integers.

    Raises:
        SpecError: A column has one single value.
    """
    table = Prepared(columns=list(columns))(own.train)
    values = np.zeros((len(table), max(most, len(columns))))
    values[:, : len(columns)] = scaling.fit(table)(table.features)
    return radix.quantise(values, selection.bits(len(table)))


def binary(label: Floats | None) -> Floats:
    """Check labels for weight of evidence.

    Args:
        label: The active party's labels, shape (rows,).

    Returns:
        The same.

    Raises:
        SpecError: One is neither 0 nor 1, or all are the same.
    """
    if label is None or not np.isin(label, (0.0, 1.0)).all() or np.ptp(label) == 0:
        raise SpecError(
            "weight of evidence compares rows of label 1 with rows of label 0, and the label has "
            "other values, or one of these alone: take [preparation.woe] out of the job, or name "
            "another `label`."
        )
    return label
