"""The interface of boosting to `jobs`: checks, forecast and training.

Modules that train are imported only when they are needed.
"""

from dataclasses import replace

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine
from isthmus.data.spec import Dataset
from isthmus.data.table import Table
from isthmus.evaluation.description import Description, PartialMetrics
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.store.checkpoint import Checkpoint
from isthmus.store.runs import Run
from isthmus.vertical.boosting.forecast import forecast as forecast_boosting
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.system import NODES, Measured, Outcome, PooledRows, RoleContext, Telling

MOST_PARTIES: int | None = None
NUMBERS_ONLY = False


def check(spec: Boosting) -> None:
    """Refuse an encryption that can be broken."""
    keys.check(spec.encryption.key_bits)


def engine(spec: Boosting, asked: Engine) -> str:
    """Returns what computes the encryption here."""
    return keys.running(spec.encryption.scheme, asked, spec.encryption.key_bits)


def check_dataset(_spec: Boosting, role: str, key: str, dataset: Dataset) -> None:
    """Refuse keys of a data set that would have no effect."""
    dataset.refuse_single(("exposure", "offset"), key, "a job with [regression]")
    if role != "active":
        dataset.refuse_monotone(key, "the active party of a job with [boosting]")


def most_rounds(spec: Boosting) -> int:
    """Returns the largest number of rounds."""
    return spec.trees


def describe_training(spec: Boosting) -> list[str]:
    """Returns what will happen in training, in order, a sentence each."""
    trees = spec.trees * spec.outputs
    what = f"a random forest of {trees:,} trees" if spec.forest else f"{trees:,} boosted trees"
    until = (
        ""
        if spec.patience == 0
        else (
            f", until {spec.patience} in a row have not lowered the loss on "
            f"{spec.validation_share:.0%} of the rows"
        )
    )
    return [
        f"Grow {what}, {spec.depth} levels deep, for a {spec.objective} label{until}. Gradients "
        f"cross encrypted ({spec.encryption.scheme}, {spec.encryption.key_bits:,} bits); passive "
        "parties see which rows are together in a node."
    ]


def check_rows(spec: Boosting, most: int) -> None:
    """Refuse a job that could not split a single node, on the most rows that there are.

    Args:
        spec: The `[boosting]` table.
        most: The most training rows that the data allow.

    Raises:
        SpecError: There are too few.
    """
    from isthmus.vertical.boosting import problem

    problem.check_rows(most - round(most * spec.validation_share), spec)


def least(spec: Boosting, _passive: str, sizes: Sizes) -> list[Flow]:
    """Returns messages of training that every run sends: gradients of all trees that are sure."""
    rounds = spec.trees if spec.patience == 0 else min(spec.trees, spec.patience)
    flows = forecast_boosting(spec, replace(sizes, rounds=rounds))
    return [flow for flow in flows if type(flow.sample).__name__ == "EncryptedGradients"]


def seconds_per_round(spec: Boosting, sizes: Sizes, asked: Engine) -> float:
    """Measures for a moment, and returns what the parties compute to grow the trees of a round."""
    from isthmus.crypto import speed
    from isthmus.vertical.boosting.trees import sampling

    found = speed.measure(spec.encryption, asked)
    training = sizes.train - round(sizes.train * spec.validation_share)
    rows = sampling.tree_rows(training, spec)
    levels = 1 + (spec.depth - 1) / 2  # of two nodes below another, only one is summed
    additions = rows * max(1, round(sizes.columns * spec.code_share)) * levels
    return spec.outputs * (rows * found.encryption + additions * found.addition)


def forecast(spec: Boosting, _passive: str, sizes: Sizes) -> list[Flow]:
    """Forecast the messages between the active party and one passive party."""
    return forecast_boosting(spec, sizes)


def check_party(
    spec: Boosting, _party: str, role: str, train: Table, test: Table | None = None
) -> None:
    """Refuse data of one party that do not fit the job, before any contact.

    Args:
        spec: The `[boosting]` table.
        _party: This party's name.
        role: This party's role.
        train: Its training rows.
        test: Its test rows, if they are a separate data set.

    Raises:
        SpecError: A label does not fit the objective, or a party that needs columns has none.
    """
    if role == "active" and train.label is not None:
        from isthmus.vertical.boosting.trees import objective

        objective.check(train.label, train.weights, spec)
        if test is not None and test.label is not None:
            objective.check_values(test.label[~np.isnan(test.label)], spec, "test")
        if spec.local_trees and not train.names:
            raise SpecError(
                "`boosting.local_trees` grows trees on the active party's columns, and `columns` "
                "chooses none."
            )
    elif not train.names:
        raise SpecError("`columns` chooses none, and a passive party has nothing else to bring.")
    elif train.weight is not None:
        raise SpecError("sample weights are the active party's: take `weight` out of the data set.")


def told(spec: Boosting, _telling: Telling) -> dict[str, float]:
    """Returns how many nodes a passive party sees, and the active party gets sums over."""
    trees = max(0, spec.trees - spec.local_trees) * spec.outputs
    return {NODES: float(trees * (2**spec.depth - 1))}


def most_told(_spec: Boosting) -> dict[str, float]:
    """Returns no limit: the job has none over all trainings."""
    return {}


def play(spec: Boosting, context: RoleContext) -> Outcome:
    """Train and score in one role, on aligned rows."""
    from isthmus.vertical.boosting import outcome

    return outcome.play(spec, context)


def measure_again(spec: Boosting, context: RoleContext, found: Checkpoint) -> Measured:
    """Measure the trees of a run that was stopped while it was measured."""
    from isthmus.vertical.boosting import outcome

    return outcome.measure_again(spec, context, found)


def describe_model(run: Run) -> Description:
    """Returns the description of a finished run's model, for its report."""
    from isthmus.vertical.boosting import outcome

    return outcome.describe_model(run)


def pooled(spec: Boosting, rows: PooledRows) -> PartialMetrics:
    """Returns metrics of the same model on pooled columns, for comparison."""
    from isthmus.vertical.boosting import outcome

    return outcome.pooled(spec, rows)
