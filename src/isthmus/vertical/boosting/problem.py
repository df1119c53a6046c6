"""Makes the learning problem of a job from the active party's rows; also for pooled training."""

import numpy as np

from isthmus.core import seeds
from isthmus.core.arrays import Integers
from isthmus.core.errors import JobError, SpecError
from isthmus.vertical.boosting.coding import Columns
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import sampling
from isthmus.vertical.boosting.trees.boost import Problem
from isthmus.vertical.boosting.trees.tree import CodeBook


def problem(rows: Rows, book: CodeBook, spec: Boosting, randomness: Randomness) -> Problem:
    """Make the learning problem of a job.

    Args:
        rows: The active party's rows.
        book: Facts about all codes.
        spec: The `[boosting]` table.
        randomness: The seeds of random choices.

    Returns:
        The problem.

    Raises:
        SpecError: There are no labels.
        JobError: There are too few rows for a single split, or all held-out rows have weight 0.
    """
    label, weight = rows.train.label, rows.train.weight
    if label is None:
        raise SpecError("the active party needs a `label` in its data set: add it.")
    if weight is None:
        weight = np.ones(len(label))
    chosen = seeds.generator(randomness.draws, "held out")
    held_out = sampling.hold_out(len(label), spec.validation_share, chosen)
    if spec.validation_share > 0 and not weight[held_out].any():
        raise JobError(
            f"`boosting.validation_share` keeps back {held_out.sum()} of {len(label)} rows, which "
            "weigh nothing: there is no loss to watch. Agree on a larger share."
        )
    check_rows(len(label) - int(held_out.sum()), spec)
    return Problem(label, weight, held_out, book, spec, randomness.draws)


def check_rows(training: int, spec: Boosting) -> None:
    """Refuse to grow trees on rows that are too few for a single split.

    Args:
        training: Rows to train on, without those kept back.
        spec: The `[boosting]` table.

    Raises:
        JobError: They are too few.
    """
    grown = sampling.tree_rows(training, spec)
    least = max(spec.minimum_node_rows, 2 * spec.minimum_bin_rows)
    if grown < least:
        raise JobError(
            f"a tree would be grown on {grown} of {training} rows to train on, and by "
            f"`boosting.minimum_node_rows` and `boosting.minimum_bin_rows` no node of fewer than "
            f"{least} is split: the model would know nothing. Bring more rows, or agree on larger "
            "samples or lower minima."
        )


def constraints(rows: Rows, columns: Columns) -> Integers:
    """Returns the monotone constraints of the active party's columns.

    Args:
        rows: The active party's rows, with the constraints by name.
        columns: Its columns, in the order of their codes.

    Returns:
        1, -1 or 0 for each, shape (columns,).

    Raises:
        SpecError: A column with a constraint is missing, or its values have no order.
    """
    unordered = {*rows.train.categories, *rows.monotone.keys() - set(columns.names)}
    for name in rows.monotone:
        if name in unordered:
            raise SpecError(
                f"column {name!r} has a monotone constraint and is no column of numbers that the "
                "active party trains: take the constraint away."
            )
    return np.array([rows.monotone.get(name, 0) for name in columns.names], np.int64)
