"""Columns are prepared between alignment and training, if the job says so.

| when                   | function                |
|------------------------|-------------------------|
| before training        | `prepare`               |
| to measure it again    | `again`                 |
| a model on pooled rows | `pooled`                |
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from isthmus.data.table import Table
from isthmus.jobs.aligned import stored
from isthmus.jobs.aligned.job import (
    every_most,
    most_columns,
    preparation_of,
    training_spec,
)
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.aligned.stored import StoredColumns
from isthmus.jobs.plan import Loaded
from isthmus.jobs.session import Lines, PartySession, Session
from isthmus.vertical.preparation.active import active
from isthmus.vertical.preparation.columns import Prepared
from isthmus.vertical.preparation.own import Own
from isthmus.vertical.preparation.passive import passive
from isthmus.vertical.preparation.pooled import prepare_pooled


@dataclass(frozen=True)
class Rows:
    """What is trained on, and what is scored."""

    train: Table
    test: Table
    spec: Any
    """What the job says of its system, with the number of columns that there are now."""

    prepared: Prepared | None = None
    """How the columns were prepared; None in a job that does not."""


def prepare(session: PartySession[AlignedPlan], lines: Lines, train: Table, test: Table) -> Rows:
    """Prepare our columns with the other parties, unless a run that was stopped has done it.

    Args:
        session: The run.
        lines: To the other parties.
        train: Our training rows, in the common order.
        test: Our test rows.

    Returns:
        The rows with the columns to train on.

    Raises:
        IsthmusError: Columns do not fit the steps, or a party broke the protocol.
    """
    plan, run = session.plan, session.run
    spec = preparation_of(plan.loaded)
    if spec is None:
        return Rows(train, test, plan.loaded.spec)
    digest, held = _digest(plan, train), None
    if run.preparation.exists():
        kept = run.read_json(run.preparation.name, StoredColumns)
        held = kept.prepared if kept.rows == digest else None
    ours = own(plan, train)
    ask: dict[str, Any] = {
        "engine": plan.party.compute.engine,
        "every_most": every_most(plan.loaded),
        "held": held,
    }
    with session.telemetry.timed("preparation"):
        if plan.listens:
            most = {name: most_columns(plan.loaded, name) for name in lines}
            prepared = active(lines, ours, spec, most, session.telemetry, **ask)
        else:
            (line,) = lines.values()
            most_of_us = most_columns(plan.loaded, plan.party.party)
            prepared = passive(line, ours, spec, most_of_us, session.telemetry, **ask)
            count = {plan.party.party: len(prepared.columns)}
            prepared = replace(prepared, counts=prepared.counts or count)
        run.write_json(run.preparation.name, StoredColumns(digest, prepared, spec.scorecard))
        return _rows(plan.loaded, prepared, train, test)


def again(session: Session[AlignedPlan], train: Table, test: Table) -> Rows:
    """Prepare rows as the run has done that trained on them.

    Args:
        session: The run.
        train: Our training rows.
        test: Our test rows.

    Returns:
        The rows with the columns that were trained on.
    """
    loaded, prepared = session.plan.loaded, stored.prepared(session.run)
    if prepared is None:
        return Rows(train, test, loaded.spec)
    return _rows(loaded, prepared, train, test)


def pooled(
    plans: Sequence[AlignedPlan], trains: Sequence[Table], tests: Sequence[Table]
) -> tuple[list[Table], list[Table]]:
    """Prepare the columns of all parties in one place.

    Args:
        plans: Of every party, the active one first.
        trains: Training rows of each, in one order.
        tests: Test rows of each, likewise.

    Returns:
        Both with prepared columns.
    """
    spec = preparation_of(plans[0].loaded)
    if spec is None:
        return list(trains), list(tests)
    parties = [own(plan, train) for plan, train in zip(plans, trains, strict=True)]
    found = prepare_pooled(parties, spec)
    return (
        [prepared(table) for prepared, table in zip(found, trains, strict=True)],
        [prepared(table) for prepared, table in zip(found, tests, strict=True)],
    )


def own(plan: AlignedPlan, train: Table) -> Own:
    """Returns what a party brings to the preparation: rows, and what its file says of columns."""
    dataset = plan.party.datasets[plan.loaded.dataset]
    return Own(train, dataset.edges, dataset.order)


def _rows(loaded: Loaded, prepared: Prepared, train: Table, test: Table) -> Rows:
    spec = training_spec(loaded, prepared.counts)
    return Rows(prepared(train), prepared(test), spec, prepared)


def _digest(plan: AlignedPlan, train: Table) -> str:
    names, rows = train.names, sorted(train.identifiers)
    return hashlib.sha256(repr((plan.digest, names, rows)).encode()).hexdigest()
