"""The results of all parties of a simulated run in one, beside the model on pooled columns."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
import numpy as np

from isthmus.data.table import Table
from isthmus.evaluation.description import PartialMetrics
from isthmus.jobs import simulated
from isthmus.jobs.aligned import preparing
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.aligned.results import (
    Alignment,
    AlignmentResult,
    ScoredResult,
    SimulatedAlignment,
    SimulatedScoring,
    SimulatedTraining,
    TrainedResult,
)
from isthmus.jobs.aligned.rows import divide, scores_fold
from isthmus.jobs.plan import Loaded
from isthmus.store.runs import Run
from isthmus.vertical.system import AttacksItself, PooledRows

ResultT = TypeVar("ResultT", AlignmentResult, TrainedResult, ScoredResult)


def put_together(
    loaded: Loaded, run: Run, seconds: float
) -> SimulatedAlignment | SimulatedTraining | SimulatedScoring:
    """Put the results of all parties together.

    Args:
        loaded: The job.
        run: The run, with one folder per party in it.
        seconds: That the processes of the parties took.

    Returns:
        The joint result.
    """
    if not loaded.trains:
        aligned = simulated.results(run, loaded.job, AlignmentResult)
        facts = simulated.facts(loaded, aligned, seconds)
        return SimulatedAlignment(**facts, alignment=_alignment(loaded, aligned))
    if loaded.scores:
        return _scoring(loaded, run, seconds)
    trained = simulated.results(run, loaded.job, TrainedResult)
    first = trained[loaded.first]
    return SimulatedTraining(
        **simulated.facts(loaded, trained, seconds),
        alignment=_alignment(loaded, trained),
        system=loaded.table,
        model=first.model,
        rows=first.rows,
        metrics=first.metrics,
        rounds=first.rounds,
        converged=first.converged,
        ending=first.ending,
        level=first.level,
        engine=first.engine,
        workers={party: each.workers for party, each in trained.items()},
        leakage=first.leakage,
        validation=first.validation,
        stability=first.stability,
        missing=first.missing,
        reports=simulated.reports(run, loaded.job),
    )


def _scoring(loaded: Loaded, run: Run, seconds: float) -> SimulatedScoring:
    scored = simulated.results(run, loaded.job, ScoredResult)
    first = scored[loaded.first]
    return SimulatedScoring(
        **simulated.facts(loaded, scored, seconds),
        alignment=_alignment(loaded, scored),
        model=first.model,
        system=first.system,
        rows=first.rows,
        metrics=first.metrics,
        validation=first.validation,
        stability=first.stability,
        missing=first.missing,
        reports=simulated.reports(run, loaded.job),
    )


def compare(
    loaded: Loaded, plans: Mapping[str, AlignedPlan], run: Run, result: SimulatedTraining
) -> SimulatedTraining:
    """Train the same model on pooled columns, and set it beside the joint one.

    Args:
        loaded: The job.
        plans: Of every party.
        run: The run, with one folder per party in it.
        result: The joint result.

    Returns:
        The joint result with metrics of the model `pooled`.
    """
    system, spec, rows = loaded.system, loaded.spec, _pooled(loaded, plans, run)
    pooled: PartialMetrics = system.pooled(spec, rows)
    beside = {name: {**values, **pooled.get(name, {})} for name, values in result.metrics.items()}
    leakage = dict(result.leakage)
    if isinstance(system, AttacksItself):
        leakage |= system.leakage(spec, rows)
    return msgspec.structs.replace(result, metrics=beside, leakage=leakage)


def _alignment(loaded: Loaded, results: Mapping[str, ResultT]) -> Alignment:
    alignments = [result.alignment for result in results.values()]
    return msgspec.structs.replace(
        results[loaded.first].alignment,
        size=next((each.size for each in alignments if each.size is not None), None),
        protects=all(each.protects for each in alignments),
        notice=next((each.notice for each in alignments if each.notice), ""),
        found={party: share for each in alignments for party, share in each.found.items()},
        warnings=[
            f"{party}: {warning}"
            for party, result in results.items()
            for warning in result.alignment.warnings
        ],
    )


def _pooled(loaded: Loaded, plans: Mapping[str, AlignedPlan], run: Run) -> PooledRows:
    """The rows that all parties hold, in one place: only a simulation can do that."""
    job, hub = loaded.job, loaded.first
    in_order = [plans[party] for party in (hub, *sorted(job.peers(hub)))]
    trains = _shared([plan.train for plan in in_order])
    tests = _shared([plan.test for plan in in_order if plan.test is not None])
    if scores_fold(loaded.data) or not tests:
        rows, held_out = divide(trains[0].identifiers, loaded.data, job.seed)
        tests = [table.take(held_out) for table in trains]
        trains = [table.take(rows) for table in trains]
    trains, tests = preparing.pooled(in_order, trains, tests)
    checkpoint = Run(run.folder / hub).checkpoint
    return PooledRows(trains, tests, job.digest, job.seed, plans[hub].monotone, checkpoint)


def _shared(tables: list[Table]) -> list[Table]:
    """The rows that are in all tables, in the order of the first one."""
    if not tables:
        return []
    first_table, *others = tables
    places = [{key: row for row, key in enumerate(table.identifiers)} for table in others]
    shared = [key for key in first_table.identifiers if all(key in place for place in places)]
    rows = {key: row for row, key in enumerate(first_table.identifiers)}
    return [
        table.take(np.array([place[key] for key in shared], np.int64))
        for table, place in zip(tables, [rows, *places], strict=True)
    ]
