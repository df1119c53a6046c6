"""The interface of preparation to `jobs`: checks, sentences, and what it tells."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.crypto.encryption import Engine
from isthmus.data import binning
from isthmus.data.spec import Dataset
from isthmus.data.table import Table
from isthmus.vertical.preparation import evidence, fitting
from isthmus.vertical.preparation.columns import Prepared
from isthmus.vertical.preparation.own import Own
from isthmus.vertical.preparation.spec import Preparation
from isthmus.vertical.regression import limits
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import EQUATIONS, SLOPES, Telling


def check(spec: Preparation, training: Any) -> None:
    """Refuse a job whose training has no use for prepared columns.

    Args:
        spec: The `[preparation]` table.
        training: The table of what is trained; None if nothing is.

    Raises:
        SpecError: It is no regression, or one of other labels.
    """
    if not isinstance(training, Regression):
        raise SpecError(
            "[preparation] makes columns that a [regression] can use, and this job has none: take "
            "the table out. Trees of [boosting] take categories and empty cells as they are, and "
            "[prediction] repeats the steps that the model was trained with by itself."
        )
    if spec.woe is not None and training.family != "binomial":
        raise SpecError(
            "weight of evidence compares rows of label 1 with rows of label 0, and "
            f'`regression.family` is "{training.family}": take [preparation.woe] out, or set '
            '`family = "binomial"`.'
        )


def check_dataset(spec: Preparation | None, key: str, dataset: Dataset) -> None:
    """Refuse keys of a data set that no step of the job uses.

    Args:
        spec: The `[preparation]` table; None if the job has none.
        key: Path of the data set in the party file.
        dataset: Its table.

    Raises:
        SpecError: There is one.
    """
    if dataset.edges and (spec is None or spec.woe is None):
        raise SpecError(
            f"`{key}.edges` is for jobs with [preparation.woe], and this one has none: take it out."
        )
    ordinal = spec is not None and spec.encode is not None and spec.encode.categories == "ordinal"
    if dataset.order and not ordinal:
        raise SpecError(
            f'`{key}.order` is for jobs with `preparation.encode.categories = "ordinal"`, and this '
            "one is not: take it out."
        )


def steps(spec: Preparation) -> Iterator[str]:
    """Yields what will happen between alignment and training, a sentence each."""
    if spec.missing is not None:
        flags = ", and flag them" if spec.missing.flag else ""
        yield f"Fill empty cells by the {spec.missing.fill} of the training rows{flags}."
    if spec.encode is not None:
        yield f"Turn categories into {spec.encode.categories} numbers."
    if spec.woe is not None:
        cipher = spec.encryption
        yield (
            f"Put all columns into {spec.woe.bins} bins at most, of {spec.woe.least_rows:,} rows "
            "or more, and weigh the evidence of each: labels cross encrypted "
            f"({cipher.scheme}, {cipher.key_bits:,} bits), and a passive party learns how many "
            "rows of label 1 each of its bins has."
        )
    if spec.select is not None:
        limits = {
            "an information value below": spec.select.information,
            "a correlation above": spec.select.correlation,
            "a variance inflation factor above": spec.select.inflation,
        }
        told = (f"{what} {limit:g}" for what, limit in limits.items() if limit is not None)
        yield f"Leave out columns with {', or '.join(told)}."


def told(spec: Preparation, training: Regression, telling: Telling) -> dict[str, float]:
    """Returns the most that a party tells a peer, besides what training tells.

    A sum of labels over the rows of a bin is an equation about labels; the correlation of a column
    of the active party with one of the passive party is a combination of the former's values.

    Args:
        spec: The `[preparation]` table.
        training: The table of what is trained.
        telling: Who tells whom.

    Returns:
        How much, by kind.
    """
    if telling.role == "passive":
        return {}
    found, most = dict[str, float](), training.columns_of(telling.passive)
    if spec.woe is not None:
        rows = telling.rows
        if telling.label is not None:
            rows = min(rows, limits.rarer(training, telling.label))
        found[EQUATIONS] = most * spec.slots / max(rows, 1)
    if spec.select is not None and spec.select.active_columns is not None:
        found[SLOPES] = float(most)
    return found


def seconds(spec: Preparation, rows: int, columns: Sequence[int], engine: Engine) -> float:
    """Measure for a moment, and reckon how long all parties compute, one after the other.

    Args:
        spec: The `[preparation]` table.
        rows: Training rows.
        columns: Columns of each passive party.
        engine: What this party asks to compute its encryption with.

    Returns:
        Seconds; what takes next to no time beside encryption is not in them.
    """
    if spec.woe is None:
        return 0.0
    from isthmus.crypto import speed

    found = speed.measure(spec.encryption, engine)
    return rows * (len(columns) * found.encryption + sum(columns) * found.addition)


def trial(ours: Own, test: Table | None, spec: Preparation) -> tuple[Table, Table | None]:
    """Prepare our columns before any contact, as far as that goes without labels.

    Args:
        ours: All our rows.
        test: Our test rows, if they are a separate data set.
        spec: The `[preparation]` table.

    Returns:
        The rows as they will about be trained on and scored: in place of weight of evidence, they
        have numbers of bins.

    Raises:
        SpecError: A column does not fit the steps.
    """
    table = ours.train
    if spec.woe is not None:
        _check_edges(ours)
        grouped = evidence.group(table, spec.woe, ours.edges)
        if test is not None:
            binning.encode([each.binning for each in grouped], test)  # has it the same columns?
        codes = np.column_stack([each.codes for each in grouped]).astype(np.float64)
        return replace(table, features=codes, categories={}, means={}, missing="error"), None
    if table.categories and spec.encode is None:
        raise SpecError(
            f"column {next(iter(table.categories))!r} is `categorical`, and the job has no step "
            "that makes numbers of it: add [preparation.encode] or [preparation.woe] to the job, "
            "or take the column out of `columns`."
        )
    prepared = Prepared(columns=fitting.fit(table, spec, ours.orders))
    return prepared(table), None if test is None else prepared(test)


def check_most(spec: Preparation, columns: int, most: int) -> None:
    """Refuse more columns than the job lets a passive party have.

    Args:
        spec: The `[preparation]` table.
        columns: Number of its columns, once they are prepared but for what is left out.
        most: What the job says.

    Raises:
        SpecError: There are more, and none of them will be left out.
    """
    if columns > most and (spec.woe is not None or spec.select is None):
        raise SpecError(
            f"the passive party has {columns:,} columns once they are prepared, and the job says "
            f"`regression.passive_columns = {most:,}`: choose fewer `columns` in the party file, "
            "or agree on another number."
        )


def reads_empty_cells(spec: Preparation) -> bool:
    """Returns whether cells may be empty."""
    return spec.missing is not None or spec.woe is not None


def _check_edges(ours: Own) -> None:
    wrong = [name for name in ours.edges if name in ours.train.categories]
    if wrong:
        raise SpecError(
            f"`edges` of your party file names {wrong[0]!r}, which is `categorical` and has no "
            "edges: take it out of one of the two."
        )
