"""The interface of regression to `jobs`: checks, forecast and training.

Modules that train are imported only when they are needed.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.crypto.encryption import Engine
from isthmus.data.spec import Dataset
from isthmus.data.table import Table
from isthmus.evaluation.description import Description, PartialMetrics
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.store.checkpoint import Checkpoint
from isthmus.store.runs import Run
from isthmus.vertical.regression import levels, limits, scaling
from isthmus.vertical.regression.products import capacity
from isthmus.vertical.regression.spec import LinearModel, Regression
from isthmus.vertical.system import (
    EQUATIONS,
    Measured,
    Outcome,
    PooledRows,
    RoleContext,
    Telling,
)

MOST_PARTIES: int | None = None
NUMBERS_ONLY = True


def check(spec: Regression) -> None:
    """Refuse an encryption that can be broken, or more columns than it has room for."""
    capacity.check(spec.encryption, levels.of(spec).sums(spec)[0])


def engine(spec: Regression, asked: Engine) -> str:
    """Returns what computes the encryption here."""
    return capacity.running(spec.encryption, asked)


def kept_bytes(spec: Regression, role: str, rows: int, columns: int) -> int:
    """Returns what a role keeps in memory of its columns, to multiply them in each round."""
    if role not in levels.of(spec).GET_GRADIENTS:
        return 0
    return capacity.kept_bytes(spec.encryption, rows, columns)


def check_dataset(spec: LinearModel, role: str, key: str, dataset: Dataset) -> None:
    """Refuse keys of a data set that would have no effect."""
    dataset.refuse_monotone(key, "the active party of a job with [boosting]")
    if role != "active":
        dataset.refuse_single(("weight", "exposure", "offset"), key, "the active party")
    if spec.family not in ("poisson", "gamma", "tweedie"):
        dataset.refuse_single(("exposure",), key, "the families poisson, gamma and tweedie")
    if spec.family == "multinomial":
        dataset.refuse_single(("offset",), key, "families with one predictor for each row")


def most_rounds(spec: Regression) -> int:
    """Returns the largest number of passes over the rows."""
    return spec.max_rounds if spec.shared is None else spec.shared.rounds


def check_expected(spec: Regression, rounds: int, functions: int) -> None:
    """Refuse what no run can have.

    Args:
        spec: The `[regression]` table.
        rounds: What `[expected]` says.
        functions: Likewise.

    Raises:
        SpecError: The level has other rounds, or no such functions.
    """
    if spec.shared is not None and rounds != spec.shared.rounds:
        raise SpecError(
            f"`expected.rounds` is {rounds:,}, and every run does the {spec.shared.rounds:,} "
            "rounds of `regression.shared.rounds`: make them the same."
        )
    shared = spec.shared is not None and spec.family == "binomial"
    most = spec.sharing.most_functions if shared else 0
    if functions > most:
        allowed = (
            f"`regression.shared.most_functions` allows {most}: take fewer"
            if shared
            else "only two classes at the level shared take any: take the key out"
        )
        raise SpecError(f"`expected.functions` is {functions}, and {allowed}.")


def check_party(spec: Regression, party: str, role: str, train: Table, test: Table | None) -> None:
    """Refuse data of one party that do not fit the job, before any contact.

    Args:
        spec: The `[regression]` table.
        party: This party's name.
        role: This party's role.
        train: Its training rows.
        test: Its test rows, if they are a separate data set.

    Raises:
        SpecError: A cell is not a number, the passive party has another number of columns, the
            active party has none, they are collinear without a penalty, or labels, weights or
            offsets do not fit the family.
    """
    check_numbers(train, test)
    scaling.check(train, spec)
    if role == "active":
        scaling.label(train, spec)
        _check_weights(spec, train)
        if test is not None:
            scaling.check_scored(train, test, spec)
        if not train.names:  # see `active`, step 1
            raise SpecError(
                "`columns` chooses none, and the active party trains columns of its own: without "
                "any, the first thing that the passive party's gradient tells is the label."
            )
        if spec.shared is not None and len(train.names) != spec.shared.active_columns:
            raise SpecError(
                f"the active party has {len(train.names)} columns ({', '.join(train.names)}) where "
                f"the job says `regression.shared.active_columns = {spec.shared.active_columns}`. "
                "Choose `columns` in the party file, or agree on another number."
            )
    elif len(train.names) != spec.columns_of(party):
        key = "" if isinstance(spec.passive_columns, int) else f".{party}"
        raise SpecError(
            f"the passive party has {len(train.names)} columns ({', '.join(train.names)}) where "
            f"the job says `regression.passive_columns{key} = {spec.columns_of(party)}`. Choose "
            "`columns` in the party file, or agree on another number."
        )


def _check_weights(spec: Regression, train: Table) -> None:
    """Refuse weights where shares of residuals just add up: the passive party's has no weight.

    Args:
        spec: The `[regression]` table.
        train: Training rows of the active party.

    Raises:
        SpecError: Rows have different weights.
    """
    one = isinstance(spec.passive_columns, int) or len(spec.passive_columns) == 1
    if spec.level == "shared" and spec.family == "gaussian" and one and np.ptp(train.weights) > 0:
        raise SpecError(
            'a gaussian family at level = "shared" with one passive party knows no weights of '
            "rows, which that party would have to know: take `weight` out of the data set, or "
            'agree on level = "encrypted".'
        )


def check_parties(spec: Regression, passives: Sequence[str]) -> None:
    """Refuse a number of columns of parties that the job does not have, or that lacks some.

    Args:
        spec: The `[regression]` table.
        passives: Names of the passive parties.

    Raises:
        SpecError: The table `passive_columns` names others.
    """
    if isinstance(spec.passive_columns, int):
        if spec.level == "shared" and len(passives) > 1:
            raise SpecError(
                'level = "shared" needs `regression.passive_columns` as a table, with a number of '
                f"columns for each of {', '.join(passives)}."
            )
        return
    if spec.passive_columns.keys() == set(passives):
        return
    raise SpecError(
        f"`regression.passive_columns` names {', '.join(spec.passive_columns) or 'nobody'}, and "
        f"the passive parties of the job are {', '.join(passives)}: give each of them its number "
        "of columns."
    )


def check_columns(spec: Regression, role: str, train: Table, least: int) -> None:
    """Refuse columns that tell so few rows from all others that their labels would be told.

    Args:
        spec: The `[regression]` table.
        role: Of the party.
        train: Its rows.
        least: The fewest rows that may have another value than the commonest one.

    Raises:
        PolicyError: There is such a column.
    """
    if role in levels.of(spec).GET_GRADIENTS:
        limits.check_columns(train.names, train.features, least)


def sums(spec: Regression, passives: int) -> str:
    """Returns who sums what under masks, as the beginning of a sentence; empty if nobody does."""
    del spec
    return "" if passives == 1 else "passive parties of a regression sum their shares"


def check_numbers(train: Table, test: Table | None) -> None:
    """Refuse data that a regression cannot use.

    Args:
        train: Training rows.
        test: Test rows, if they are a separate data set.

    Raises:
        SpecError: A column is categorical, or a cell is empty.
    """
    tables = [train] if test is None else [train, test]
    if train.categories or any(np.isnan(table.features).any() for table in tables):
        raise SpecError(
            "a regression needs a number in every cell: its columns can neither be `categorical` "
            'nor have `missing = "keep"`. Choose others, or encode them.'
        )


def describe_training(spec: Regression) -> list[str]:
    """Returns what will happen in training, in order, a sentence each."""
    return levels.of(spec).describe(spec)


def check_rows(spec: Regression, most: int) -> None:
    """Refuse a job that would tell a passive party too much, on the most rows that there are.

    Args:
        spec: The `[regression]` table.
        most: The most training rows that the data allow.

    Raises:
        SpecError: Even then there are too few rows for `label_exposure`.
    """
    rarer = most // 2 if spec.family in {"binomial", "multinomial"} else most
    told = spec.batches * spec.most_columns / max(rarer, 1)
    if told > spec.label_exposure:
        enough = math.ceil(spec.batches * spec.most_columns / spec.label_exposure)
        raise SpecError(
            f"of at most {most:,} rows that can be trained on, {rarer:,} can have "
            f"{limits.a_rare_label(spec)}, and batches ({spec.batches:,}) x columns of a passive "
            f"party ({spec.most_columns:,}) over so many would tell it {told:.2g} equations about "
            f"each, where `regression.label_exposure` allows {spec.label_exposure}: that takes "
            f"{enough:,}. Bring more rows, or agree on fewer batches or columns, or on a higher "
            "`regression.label_exposure`. Nothing was sent."
        )


def least(spec: Regression, passive: str, sizes: Sizes) -> list[Flow]:
    """Returns messages of training that every run sends: those of one round, the shortest one."""
    return forecast(spec, passive, replace(sizes, rounds=1, functions=(1,)))


def seconds_per_round(spec: Regression, sizes: Sizes, asked: Engine) -> float:
    """Measures for a moment, and returns what both parties compute in a round."""
    sums = round(levels.of(spec).sums(spec)[1])
    return capacity.seconds(spec.encryption, asked, sizes.train, sums, spec.feature_bits)


def forecast(spec: Regression, passive: str, sizes: Sizes) -> list[Flow]:
    """Forecast the messages of training and scoring, between the active party and a passive one."""
    return levels.of(spec).forecast(spec, passive, sizes)


def told(spec: Regression, telling: Telling) -> dict[str, float]:
    """Returns the most that a party tells a peer."""
    return levels.of(spec).told(spec, telling)


def most_told(spec: Regression) -> dict[str, float]:
    """Returns the most that the job lets all trainings together tell."""
    return {EQUATIONS: spec.label_exposure}


def rare_labels(spec: Regression) -> str:
    """Returns in words which label the rows have that equations are counted for, each of them."""
    return limits.rare_labels(spec)


def play(spec: Regression, context: RoleContext) -> Outcome:
    """Train and score in one role, on aligned rows."""
    from isthmus.vertical.regression import outcome

    return outcome.play(spec, context)


def measure_again(spec: Regression, context: RoleContext, found: Checkpoint) -> Measured:
    """Measure the model of a run that was stopped while it was measured."""
    from isthmus.vertical.regression import outcome

    return outcome.measure_again(spec, context, found)


def describe_model(run: Run) -> Description:
    """Returns the description of a finished run's model, for its report."""
    from isthmus.vertical.regression import outcome

    return outcome.describe_model(run)


def pooled(spec: Regression, rows: PooledRows) -> PartialMetrics:
    """Returns metrics of the same model on pooled columns, for comparison."""
    from isthmus.vertical.regression import outcome

    return outcome.pooled(spec, rows)


def leakage(spec: Regression, rows: PooledRows) -> dict[str, float]:
    """Returns how much a passive party can have learned of labels, where all rows are together."""
    from isthmus.vertical.regression import leakage as attack

    return attack.simulated(spec, rows.trains)
