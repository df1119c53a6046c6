"""What is to be learnt, from what the active party has: the same here and on joined data."""

import numpy as np

from isthmus.core import seeds
from isthmus.core.arrays import Integers
from isthmus.core.errors import JobError, SpecError
from isthmus.vertical.boosting import sampling
from isthmus.vertical.boosting.boost import Problem
from isthmus.vertical.boosting.coding import Chance, Columns, Rows
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.tree import CodeBook


def problem(rows: Rows, book: CodeBook, spec: Boosting, chance: Chance) -> Problem:
    """The problem of a job.

    Args:
        rows: Those of the active party.
        book: Facts about all codes.
        spec: What the job says.
        chance: Where random choices come from.

    Returns:
        The problem.

    Raises:
        SpecError: There are no labels.
        JobError: There are too few rows for a single split.
    """
    label, weight = rows.train.label, rows.train.weight
    if label is None:
        raise SpecError("the active party needs a `label` in its data set: add it.")
    if weight is None:
        weight = np.ones(len(label))
    chosen = seeds.generator(chance.seed, "held out")
    held_out = sampling.hold_out(len(label), spec.validation_share, chosen)
    training = len(label) - int(held_out.sum())
    if training < spec.minimum_node_rows:
        raise JobError(
            f"{training} rows to train on are fewer than `boosting.minimum_node_rows`, "
            f"{spec.minimum_node_rows}: no tree would have a split. Bring more rows."
        )
    seed = chance.seed
    if spec.sampling == "goss" and chance.secret is not None:  # `sampling` says why
        seed = chance.secret
    return Problem(label, weight, held_out, book, spec, seed)


def constraints(rows: Rows, columns: Columns) -> Integers:
    """Monotone constraints of the active party's columns.

    Args:
        rows: Say which columns have one.
        columns: Its columns, in their order.

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
