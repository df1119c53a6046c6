"""Steps that a party takes by itself, on its own training rows: empty cells, flags and orders."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.vertical.preparation.columns import Column, EmptyFlag, Flag, Number, Rank
from isthmus.vertical.preparation.spec import Encoding, MissingValues, Preparation

REST = "other"
"""Name of the flag that rare categories share."""

Orders = Mapping[str, Sequence[str]]
"""Categories of a column in their order, by column."""


def fit(train: Table, spec: Preparation, orders: Orders) -> list[Column]:
    """Find what stands for empty cells and categories.

    Args:
        train: This party's training rows.
        spec: The `[preparation]` table.
        orders: From the table of the data set.

    Returns:
        The columns that come of those of the table, in order.

    Raises:
        SpecError: A column is empty, or a category is not in its order.
    """
    found = list[Column]()
    for name, values in zip(train.names, train.features.T, strict=True):
        if np.isnan(values).all():
            raise SpecError(
                f"column {name!r} is empty in all {len(values):,} aligned training rows: leave it "
                "out of `columns` in your party file."
            )
        if name in train.categories and spec.encode is not None:
            found += _encoded(name, values, train.categories[name], spec.encode, orders)
        else:
            found += _filled(name, values, spec.missing)
    return _named_once(found)


def _filled(name: str, values: Floats, spec: MissingValues | None) -> list[Column]:
    if spec is None:
        return [Number(name)]
    empty = np.isnan(values)
    found: list[Column] = [Number(name, _fill(values[~empty], spec))]
    few = min(int(empty.sum()), int((~empty).sum())) < spec.least_count
    return found if few or not spec.flag else [*found, EmptyFlag(f"{name} empty", name)]


def _fill(known: Floats, spec: MissingValues) -> float:
    if spec.fill == "mean":
        return float(known.mean())
    if spec.fill == "median":
        return float(np.median(known))
    distinct, counts = np.unique(known, return_counts=True)
    return float(distinct[counts.argmax()])


def _encoded(
    name: str, values: Floats, categories: Sequence[str], spec: Encoding, orders: Orders
) -> list[Column]:
    numbers = values[~np.isnan(values)].astype(np.int64)
    tally = np.bincount(numbers, minlength=len(categories)).tolist()
    counts = dict(zip(categories, tally, strict=True))
    frequent = sorted((each for each in counts if counts[each]), key=lambda it: (-counts[it], it))
    if spec.categories == "ordinal":
        order = list(orders.get(name, sorted(frequent)))
        absent = set(frequent) - set(order)
        if absent:
            raise SpecError(
                f"{len(absent)} of the {len(frequent)} categories of column {name!r} are not in "
                "its `order` in your party file: add them."
            )
        return [Rank(name, order, order.index(frequent[0]))]
    return _flags(name, frequent, counts, len(values), spec.least_count)


def _flags(
    name: str, frequent: Sequence[str], counts: Mapping[str, int], rows: int, least: int
) -> list[Column]:
    """Make a flag for each category but the most frequent one, which all flags being 0 tells.

    Args:
        name: The column.
        frequent: Its categories, the most frequent one first.
        counts: Training rows of each category.
        rows: Training rows.
        least: Fewest rows of a flag.

    Returns:
        The flags.

    Raises:
        SpecError: There is none.
    """
    enough = [each for each in frequent if counts[each] >= least]
    first, *others = enough or frequent
    flags: list[Column] = [Flag(f"{name} = {each}", name, [each]) for each in others if enough]
    if rows - sum(counts[each] for each in (first, *others)) >= least:
        flags.append(Flag(f"{name} = {REST}", name, [first, *others], rest=True))
    if not flags:
        raise SpecError(
            f"column {name!r}: no more than one of its {len(frequent)} categories is in {least:,} "
            "of the aligned training rows, so that no flag can be made of it: leave it out of "
            "`columns` in your party file, or agree on a lower `preparation.encode.least_count`."
        )
    return flags


def _named_once(columns: list[Column]) -> list[Column]:
    """Refuse prepared columns that would have the same name.

    Args:
        columns: The columns.

    Returns:
        The same.

    Raises:
        SpecError: Two have one name.
    """
    names = Counter(column.name for column in columns)
    twice = sorted(name for name, times in names.items() if times > 1)
    if twice:
        raise SpecError(
            f"two columns are named {twice[0]!r} once categories and empty cells have columns of "
            "their own: rename one in the data."
        )
    return columns
