"""The results of all parties of a simulated run in one, beside the same trained in one place."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import numpy as np

from isthmus import __version__
from isthmus.core import spec
from isthmus.data.index import split
from isthmus.data.table import Table
from isthmus.jobs import report
from isthmus.jobs.plan import SamplesPlan, TablePlan
from isthmus.jobs.result import (
    AlignmentResult,
    Result,
    RoundsResult,
    RunResult,
    SimulatedAlignment,
    SimulatedRounds,
    SimulationResult,
)
from isthmus.jobs.rounds import site_of
from isthmus.jobs.spec import Job
from isthmus.jobs.systems import first, horizontal_of, trains, vertical_of
from isthmus.store.runs import Run
from isthmus.vertical.system import PooledRows

ResultT = TypeVar("ResultT", bound=RunResult)
PlanT = TypeVar("PlanT", TablePlan, SamplesPlan)
Plans = Mapping[str, TablePlan | SamplesPlan]


def write(job: Job, plans: Plans, run: Run, seconds: float) -> None:
    """Put the results of all parties together.

    Args:
        job: The job.
        plans: Of every party.
        run: The run, with one folder per party in it; it gets a joint result.
        seconds: That the processes of the parties took.
    """
    if not trains(job):
        aligned = _alignment(job, _results(run, job, AlignmentResult), seconds)
        run.write_json(run.result.name, aligned)
        return
    of_tables, of_samples = _these(plans, TablePlan), _these(plans, SamplesPlan)
    if of_samples:
        results = _results(run, job, RoundsResult)
        run.write_json(run.result.name, _rounds(job, of_samples, results, run, seconds))
    else:
        trained = _results(run, job, Result)
        run.write_json(run.result.name, _trained(job, of_tables, trained, run, seconds))
    report.write_all(run.folder)  # once more, with what a simulation alone can compare


def _results(run: Run, job: Job, kind: type[ResultT]) -> dict[str, ResultT]:
    runs = {party: Run(run.folder / party) for party in job.parties}
    return {party: own.read_json(own.result.name, kind) for party, own in runs.items()}


def _these(plans: Plans, kind: type[PlanT]) -> dict[str, PlanT]:
    return {party: plan for party, plan in plans.items() if isinstance(plan, kind)}


def _facts(job: Job, results: Mapping[str, RunResult], seconds: float) -> dict[str, Any]:
    """What every joint result says: the fields of `Simulated`."""
    hub = results[first(job)]
    return {
        "job": job.name,
        "digest": hub.digest,
        "version": __version__,
        "parties": {name: member.role for name, member in job.parties.items()},
        "seconds": hub.seconds | {"simulation": round(seconds, 3)},
        "egress": {party: result.egress for party, result in results.items()},
    }


def _alignment(
    job: Job, results: Mapping[str, AlignmentResult], seconds: float
) -> SimulatedAlignment:
    hub = results[first(job)]
    alignments = [result.alignment for result in results.values()]
    size = next((each.size for each in alignments if each.size is not None), None)
    return SimulatedAlignment(
        **_facts(job, results, seconds),
        alignment=msgspec.structs.replace(
            hub.alignment,
            size=size,
            protects=all(each.protects for each in alignments),
            notice=next((each.notice for each in alignments if each.notice), ""),
        ),
    )


def _trained(
    job: Job,
    plans: Mapping[str, TablePlan],
    results: Mapping[str, Result],
    run: Run,
    seconds: float,
) -> SimulationResult:
    system = vertical_of(job)
    hub = results[first(job)]
    central = system.central(system.spec(job), _pooled(job, plans))
    return SimulationResult(
        **msgspec.structs.asdict(_alignment(job, results, seconds)),
        rows=hub.rows,
        metrics=hub.metrics | central,
        rounds=hub.rounds,
        converged=hub.converged,
        ending=hub.ending,
        leakage=hub.leakage,
        reports=_reports(run, job),
    )


def _rounds(
    job: Job,
    plans: Mapping[str, SamplesPlan],
    results: Mapping[str, RoundsResult],
    run: Run,
    seconds: float,
) -> SimulatedRounds:
    from isthmus.nn import threads  # noqa: PLC0415 - it loads PyTorch

    threads.use(plans[first(job)].party.workers)
    system = horizontal_of(job)
    hub = results[first(job)]
    sites = {party: site_of(plan) for party, plan in plans.items()}
    measured = {party: result.metrics for party, result in results.items()}
    return SimulatedRounds(
        **_facts(job, results, seconds),
        rows={party: result.rows for party, result in results.items()},
        metrics=system.compare(system.spec(job), sites, measured),
        model=hub.model,
        rounds=hub.rounds,
        ending=hub.ending,
        weights=hub.weights,
        suspects=hub.suspects,
        reports=_reports(run, job),
    )


def _reports(run: Run, job: Job) -> dict[str, str]:
    return {party: str(Run(run.folder / party).report) for party in job.parties}


def _pooled(job: Job, plans: Mapping[str, TablePlan]) -> PooledRows:
    """The rows that all parties hold, in one place: only a simulation can do that."""
    hub = first(job)
    in_order = [plans[party] for party in (hub, *sorted(job.peers(hub)))]
    trains = _shared([plan.train for plan in in_order])
    tests = _shared([plan.test for plan in in_order if plan.test is not None])
    if not tests:
        rows, held_out = split(trains[0].identifiers, job.data.test_share, job.seed)
        tests = [table.take(held_out) for table in trains]
        trains = [table.take(rows) for table in trains]
    return PooledRows(trains, tests, spec.digest(job), job.seed, plans[hub].monotone)


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
