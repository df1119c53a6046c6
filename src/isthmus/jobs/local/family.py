"""The family of jobs of one organisation: `jobs/plan.py` says what each function is for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec.structs import replace
from rich.filesize import decimal

from isthmus.core.errors import SpecError, naming_file
from isthmus.core.spec import settings
from isthmus.core.telemetry import Sink
from isthmus.data.spec import Dataset
from isthmus.evaluation.comparison import TextTable
from isthmus.evaluation.description import measured
from isthmus.jobs.job import Job
from isthmus.jobs.local.results import LocalResult
from isthmus.jobs.plan import Loaded, Plan, Ready
from isthmus.jobs.result import Summary
from isthmus.jobs.summary import local_facts
from isthmus.store.runs import Run
from isthmus.system import (
    Describes,
    Exported,
    Exports,
    LocalInputs,
    LocalOutcome,
    NamesDatasets,
    Predicted,
    Predicts,
)

ROLES: tuple[str, ...] = ()
RESULTS = LocalResult

_OF_PARTIES = ("parties", "disclosed", "expected")
"""Keys of a job that are about other parties."""


@dataclass(frozen=True)
class LocalPlan(Plan):
    """A plan to train on data of this machine alone."""

    data: Any = field(repr=False)
    """What the system loaded."""


def check(loaded: Loaded) -> None:
    """Refuse a job file that contradicts itself, seen without data.

    Args:
        loaded: The job.

    Raises:
        SpecError: It speaks of other parties, or names a data set that it does not describe.
    """
    job = loaded.job
    for key in _OF_PARTIES:
        if job.tables[key]:
            raise SpecError(
                f"[{loaded.table}] is trained by one organisation by itself, and nothing leaves "
                f"it: take `{key}` out."
            )
    if job.data.identifiers:
        raise SpecError(
            "`data.identifiers` is what parties agree on: take it out, and name the columns that "
            f"identify a row in `datasets.{job.data.train}.identifiers`."
        )
    others = _others(loaded)
    naming = f" or in [{loaded.table}]" if isinstance(loaded.system, NamesDatasets) else ""
    used = [name for name in (job.data.train, job.data.test, *others) if name is not None]
    for name in used:
        if name not in _datasets(loaded):
            raise SpecError(f"the job uses data set {name!r}: add a table [datasets.{name}].")
    for name in _datasets(loaded):
        if name not in used:
            raise SpecError(
                f"the job does not use data set {name!r}: take [datasets.{name}] out, or name it "
                f"in `data.train` or `data.test`{naming}."
            )


def steps(loaded: Loaded) -> list[str]:
    """Returns what will happen, in order, a sentence each."""
    data = loaded.job.data
    scored = (
        f"Score {data.test_share:.0%} of the rows, kept out of training."
        if data.test is None
        else f"Score the rows of {data.test!r}."
    )
    read = " and ".join(map(repr, dict.fromkeys([data.train, *_others(loaded)])))
    system: object = loaded.system
    return [
        f"Read {read} on this machine: there are no other parties, and nothing leaves.",
        *(
            system.steps(loaded.spec)
            if isinstance(system, Describes)
            else [f"Train a {loaded.table}: {settings(loaded.spec)}."]
        ),
        scored,
    ]


def plan(loaded: Loaded, party_file: Path | None) -> LocalPlan:
    """Read and check the data.

    Args:
        loaded: The job.
        party_file: None: there are no parties.

    Returns:
        The plan, with the data loaded.

    Raises:
        SpecError: The data do not fit the job, or there is a party file.
    """
    if party_file is not None:
        raise SpecError(
            f"{loaded.path}: one organisation trains by itself in this job, so it takes no party "
            "file: leave `--party` out."
        )
    job, datasets = loaded.job, _datasets(loaded)
    inputs = LocalInputs(
        folder=loaded.folder,
        train=datasets.get(job.data.train),
        test=datasets[job.data.test] if job.data.test is not None else None,
        test_share=job.data.test_share,
        normalise=job.data.normalise,
        seed=job.seed,
        job=job.digest,
        others={name: datasets[name] for name in _others(loaded)},
    )
    with naming_file(loaded.path):
        return LocalPlan(loaded, loaded.system.load(loaded.spec, inputs))


def ready(plan: LocalPlan) -> Ready:
    """Returns what this machine brings."""
    facts = plan.loaded.system.facts(plan.loaded.spec, plan.data)
    return Ready(facts={name: str(value) for name, value in facts.items()})


def play(plan: LocalPlan, into: Path | None, watch: Sink) -> Run:
    """Train, score and store."""
    from isthmus.jobs import session  # it loads cryptography

    loaded = plan.loaded
    with session.begin_alone(plan, into, watch) as opened:
        with opened.telemetry.timed("total"):
            outcome: LocalOutcome = loaded.system.train(
                loaded.spec, plan.data, opened.run, opened.telemetry
            )
        result = LocalResult(
            **opened.facts(), system=loaded.table, **msgspec.structs.asdict(outcome)
        )
        opened.run.write_json(opened.run.result.name, result)
    return opened.run


def align(plan: LocalPlan, into: Path | None, watch: Sink) -> Run:
    """Refuse to align rows: nobody else holds them.

    Args:
        plan: The plan.
        into: Not used.
        watch: Not used.

    Returns:
        Nothing, ever.

    Raises:
        SpecError: Always.
    """
    del into, watch
    raise SpecError(
        f"{plan.loaded.path}: one organisation trains by itself in this job, so there are no rows "
        "to align. Use `isthmus run`."
    )


def summary(run: Run, result: LocalResult) -> Summary:
    """Returns the end of a run for people."""
    rows = ", ".join(f"{count:,} {_ROWS.get(name, name)}" for name, count in result.rows.items())
    facts = [("rows", rows), ("training", result.ending)]
    if not result.metrics:
        facts.append(("measured", "nothing: that takes test rows with two different labels"))
    facts += [*_counted(result), *local_facts(run, result)]
    tables = [_queues(result)] if result.queues else []
    return Summary(metrics=measured(result.metrics), tables=tables, facts=facts)


def page(run: Run, _simulated: Run | None) -> str:
    """Returns the report of a run as HTML."""
    from isthmus.jobs import page as shown  # it loads cryptography

    result = run.read_json(run.result.name, LocalResult)
    fields = {name: getattr(result, name) for name in LocalOutcome.__struct_fields__}
    html: str = _system(result).page(
        run, shown.local_facts(result, result.started), LocalOutcome(**fields)
    )
    return html


def predict(run: Run, job: Job, file: Path, out: IO[bytes]) -> Predicted:
    """Score the rows of a file with the model of a run.

    Args:
        run: The run.
        job: Its job.
        file: The rows, in the form of those that it was trained on.
        out: The file for the scores.

    Returns:
        How many rows there are.

    Raises:
        SpecError: The system cannot do it, or the rows do not fit the model.
    """
    table, system = _table(job)
    if not isinstance(system, Predicts):
        raise SpecError(
            f"{run.folder}: a run of [{table}] does not keep what it takes to score other "
            "rows. Rows with labels are scored by a run whose job names them in `data.test`."
        )
    rows = replace(job.tables["datasets"][job.data.train], path=str(file.absolute()))
    return system.predict(job.tables[table], rows, run, out)


def export(run: Run, job: Job, into: Path, since: int | None) -> Exported:
    """Write the model of a run for use without isthmus.

    Args:
        run: The run.
        job: Its job.
        into: An empty folder.
        since: Number of a snapshot: only what has changed since then.

    Returns:
        What was written.

    Raises:
        SpecError: The system has no such form.
    """
    table, system = _table(job)
    if not isinstance(system, Exports):
        raise SpecError(
            f"{run.folder}: a run of [{table}] has nothing to export: its model is "
            f"{run.model}, as plain JSON."
        )
    return system.export(job.tables[table], run, into, since)


def _table(job: Job) -> tuple[str, object]:
    """The system of a job.

    Args:
        job: As the run folder has it.

    Returns:
        The name of its table, and its code.

    Raises:
        SpecError: The job trains nothing: somebody has changed it.
    """
    from isthmus.jobs import registry

    row = registry.row_of(job.tables)
    if row is None:
        raise SpecError("the job in the run folder trains nothing. Run it again.")
    return row.table, registry.load_system(row)


def _system(result: LocalResult) -> Any:
    from isthmus.jobs import registry

    return registry.load_system(registry.row(result.system))


def _datasets(loaded: Loaded) -> dict[str, Dataset]:
    found: dict[str, Dataset] | None = loaded.job.datasets
    return found or {}


def _others(loaded: Loaded) -> Sequence[str]:
    """Data sets that the table of the system names, each once."""
    system: object = loaded.system
    named = system.datasets(loaded.spec) if isinstance(system, NamesDatasets) else ()
    return tuple(dict.fromkeys(named))


def _counted(result: LocalResult) -> list[tuple[str, str]]:
    """Lines about what a system counted, if it did."""
    facts = list[tuple[str, str]]()
    if result.throughput:
        facts.append(("samples/s", f"{result.throughput.samples_per_s:,.0f}"))
    if result.memory:
        kept, gone = f"{result.memory.rows:,} rows", f"{result.memory.evicted:,} evicted"
        facts.append(("tables", f"{kept}, {gone}, {decimal(result.memory.peak_bytes)} at most"))
    if result.exchanges is not None:
        passed = f", {decimal(result.traffic.bytes)}" if result.traffic else ""
        facts.append(("exchanges", f"{result.exchanges:,}{passed}"))
    if result.staleness:
        facts.append(("staleness", f"{result.staleness.greatest} windows at most"))
    return facts


def _queues(result: LocalResult) -> TextTable:
    lines = [
        (task, f"{queue.trained:,}", f"{queue.flushes:,}", f"{queue.waited:,}")
        for task, queue in result.queues.items()
    ]
    return ("queue of", "samples trained #", "batches #", "longest wait in samples #"), lines


_ROWS = {"train": "trained on", "test": "scored"}
