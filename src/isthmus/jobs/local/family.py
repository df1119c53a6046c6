"""The family of jobs of one organisation: `jobs/plan.py` says what each function is for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from isthmus.core.errors import SpecError, naming_file
from isthmus.core.spec import settings
from isthmus.core.telemetry import Sink
from isthmus.data.spec import Dataset
from isthmus.jobs.local.results import LocalResult
from isthmus.jobs.plan import Loaded, Plan, Ready
from isthmus.jobs.result import Summary
from isthmus.jobs.summary import local_facts
from isthmus.store.runs import Run
from isthmus.system import LocalInputs, LocalOutcome

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
    used = [name for name in (job.data.train, job.data.test) if name is not None]
    for name in used:
        if name not in _datasets(loaded):
            raise SpecError(f"the job uses data set {name!r}: add a table [datasets.{name}].")
    for name in _datasets(loaded):
        if name not in used:
            raise SpecError(
                f"the job does not use data set {name!r}: take [datasets.{name}] out, or name it "
                "in `data.train` or `data.test`."
            )


def steps(loaded: Loaded) -> list[str]:
    """Returns what will happen, in order, a sentence each."""
    data = loaded.job.data
    scored = (
        f"Score {data.test_share:.0%} of the rows, kept out of training."
        if data.test is None
        else f"Score the rows of {data.test!r}."
    )
    return [
        f"Read {data.train!r} on this machine: there are no other parties, and nothing leaves.",
        f"Train a {loaded.table}: {settings(loaded.spec)}.",
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
    facts += local_facts(run, result)
    return Summary(metrics=result.metrics, facts=facts)


def page(run: Run, _simulated: Run | None) -> str:
    """Returns the report of a run as HTML."""
    from isthmus.jobs import page as shown  # it loads cryptography
    from isthmus.jobs import registry

    result = run.read_json(run.result.name, LocalResult)
    outcome = LocalOutcome(
        metrics=result.metrics, rows=result.rows, columns=result.columns, ending=result.ending
    )
    system = registry.load_system(registry.row(result.system))
    html: str = system.page(run, shown.local_facts(result, result.started), outcome)
    return html


def _datasets(loaded: Loaded) -> dict[str, Dataset]:
    found: dict[str, Dataset] | None = loaded.job.datasets
    return found or {}


_ROWS = {"train": "trained on", "test": "scored"}
