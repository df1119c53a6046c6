"""Plays either role of vertical regression, and measures the outcome."""

import hashlib
from collections.abc import Mapping

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.data.scores import Scores
from isthmus.data.table import Table, joined
from isthmus.evaluation.description import Coefficient, Description
from isthmus.evaluation.measures import RANKING, Measures, measure
from isthmus.evaluation.regression import r2, rmse
from isthmus.store.runs import Run
from isthmus.vertical.regression import scaling
from isthmus.vertical.regression.active import active
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.model import Part
from isthmus.vertical.regression.objective import Link
from isthmus.vertical.regression.passive import passive
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import Outcome, PooledRows, RoleContext

_MEASURES: Mapping[Link, Measures] = {
    "logit": RANKING,
    "identity": {"rmse": rmse, "r2": r2},
}


def check(spec: Regression) -> None:
    """Refuse a cipher that this machine cannot compute."""
    cipher = spec.encryption
    keys.check(cipher.scheme, cipher.engine, cipher.key_bits)


def check_party(spec: Regression, role: str, train: Table, test: Table | None) -> None:
    """Refuse data of one party that do not fit the job, before any contact.

    Args:
        spec: What the job says.
        role: This party's role.
        train: Its rows to train on.
        test: Its rows to score, where they are a data set of their own.

    Raises:
        SpecError: A cell holds no number, the passive party has other columns, the active party
            has none, or its label does not fit.
    """
    tables = [train] if test is None else [train, test]
    if train.categories or any(np.isnan(table.features).any() for table in tables):
        raise SpecError(
            "a regression needs a number in every cell: its columns can neither be `categorical` "
            'nor have `missing = "keep"`. Choose others, or encode them.'
        )
    if train.weight is not None:
        raise SpecError("a regression knows no sample weights: take `weight` out of the data set.")
    if role == "active":
        scaling.label(train, spec.link)
        if not train.names:  # see `active`, step 1
            raise SpecError(
                "`columns` chooses none, and the active party trains columns of its own: without "
                "any, the first thing that the passive party's gradient tells is the label."
            )
    elif len(train.names) != spec.passive_columns:
        raise SpecError(
            f"the passive party has {len(train.names)} columns ({', '.join(train.names)}) where "
            f"the job says `regression.passive_columns = {spec.passive_columns}`. Choose `columns` "
            "in the party file, or agree on another number."
        )


def play(spec: Regression, context: RoleContext) -> Outcome:
    """Train and score in one role; the rows are aligned already."""
    train, test = context.train, context.test
    memory = Memory(context.checkpoint, _rounds_of(context))
    memory.load()
    (peer,) = context.peers.values()
    if context.role == "passive":
        ours = passive(peer, train, test, spec, context.telemetry, memory)
        ending = _ending(ours.rounds, ours.converged)
        return Outcome(ours.part, ours.rounds, ours.converged, ending)
    trained = active(peer, train, test, spec, context.telemetry, memory)
    measures, label = _MEASURES[spec.link], scaling.labels(test)
    alone = trained.alone.predict(test.features)
    return Outcome(
        model=trained.part,
        rounds=len(trained.rounds),
        converged=trained.converged,
        ending=_ending(len(trained.rounds), trained.converged),
        metrics=measure(measures, label, trained.predictions)
        | measure(measures, label, alone, suffix="_active_only"),
        scores=Scores(test.identifiers, label, trained.predictions, alone),
        curve=[{"loss": at.loss, "gradient_norm": at.gradient_norm} for at in trained.rounds],
    )


def _ending(rounds: int, converged: bool) -> str:  # noqa: FBT001
    return f"converged after {rounds} rounds" if converged else f"stopped after {rounds} rounds"


def _rounds_of(context: RoleContext) -> str:
    """What rounds belong to: on other rows they would tell new equations about the labels."""
    names, rows = context.train.names, sorted(context.train.identifiers)
    digest = hashlib.sha256(repr((context.job, names, rows)).encode())
    return digest.hexdigest()


def describe(run: Run) -> Description:
    """Coefficients of this party's columns.

    Args:
        run: A finished run.

    Returns:
        What its report shows.

    Raises:
        SpecError: The model is not what a run writes.
    """
    part = run.read_json(run.model.name, Part)
    coefficients = [
        Coefficient(column.name, column.coefficient, column.coefficient / column.deviation)
        for column in part.columns
    ]
    return Description(coefficients, part.intercept)


def measure_pooled(spec: Regression, rows: PooledRows) -> dict[str, float]:
    """Metrics of the same model on the pooled columns, for comparison."""
    train, test = joined(rows.trains), joined(rows.tests)
    predictions = train_pooled(train, spec).predict(test.features)
    return measure(_MEASURES[spec.link], scaling.labels(test), predictions, suffix="_central")
