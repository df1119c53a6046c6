"""The family of jobs of one organisation: what `jobs/plan.py` and `capabilities.py` ask for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from isthmus.core.errors import SpecError, naming_file
from isthmus.core.spec import settings
from isthmus.core.telemetry import Sink
from isthmus.data.spec import Dataset
from isthmus.jobs.job import Data, Job
from isthmus.jobs.local import summary as ending
from isthmus.jobs.local.results import LocalResult
from isthmus.jobs.plan import Loaded, Plan, Ready
from isthmus.outcomes import Exported, LocalOutcome, LocalTrained, Predicted
from isthmus.store.runs import UNMEASURED, Run
from isthmus.system import (
    Describes,
    Exports,
    LocalInputs,
    NamesData,
    NamesDatasets,
    Predicts,
    Shares,
)

if TYPE_CHECKING:  # it loads cryptography
    from isthmus.jobs.session import Session

ROLES: tuple[str, ...] = ()
RESULTS = LocalResult

summary = ending.summary

_OF_PARTIES = ("parties", "disclosed", "expected")
"""Keys of a job that are about other parties."""

_MOST_NAMES = 6
"""Names of data that are shown to people."""


@dataclass(frozen=True)
class LocalPlan(Plan):
    """A plan to train on data of this machine alone."""

    data: Any = field(repr=False)
    """What the system loaded."""

    @cached_property
    def data_digest(self) -> str | None:
        """Digest of the files that the job names; None where rows are from a database or a pipe."""
        from isthmus.data import fingerprint, formats  # they load Arrow

        datasets = _datasets(self.loaded).values()
        if any(each.path is None or formats.is_pipe(Path(each.path)) for each in datasets):
            return None
        return fingerprint.of_files(msgspec.to_builtins(self.job), self.loaded.folder)


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
    if loaded.names_data:
        if _datasets(loaded):
            raise SpecError(
                f"[{loaded.table}] names its data by itself: take the tables of [datasets] out."
            )
        return
    _check_datasets(loaded, loaded.data)


def _check_datasets(loaded: Loaded, data: Data) -> None:
    if data.identifiers:
        raise SpecError(
            "`data.identifiers` is what parties agree on: take it out, and name the columns that "
            f"identify a row in `datasets.{loaded.dataset}.identifiers`."
        )
    others = _others(loaded)
    naming = f" or in [{loaded.table}]" if isinstance(loaded.system, NamesDatasets) else ""
    used = [name for name in (data.train, data.test, *others) if name is not None]
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
    system: object = loaded.system
    if isinstance(system, NamesData):
        return [_reading(system.sources(loaded.spec)), *_training(loaded)]
    data = loaded.data
    scored = (
        f"Score {data.test_share:.0%} of the rows, kept out of training."
        if data.test is None
        else f"Score the rows of {data.test!r}."
    )
    return [_reading([loaded.dataset, *_others(loaded)]), *_training(loaded), scored]


def _reading(names: Sequence[str]) -> str:
    few, more = list(dict.fromkeys(names))[:_MOST_NAMES], len(set(names)) - _MOST_NAMES
    read = " and ".join(map(repr, few)) + (f" and {more:,} more" if more > 0 else "")
    return f"Read {read} on this machine: there are no other parties, and nothing leaves."


def _training(loaded: Loaded) -> Sequence[str]:
    system: object = loaded.system
    if isinstance(system, Describes):
        return system.steps(loaded.spec)
    return [f"Train a {loaded.table}: {settings(loaded.spec)}."]


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
    with naming_file(loaded.path):
        return LocalPlan(loaded, loaded.system.load(loaded.spec, inputs(loaded)))


def inputs(loaded: Loaded) -> LocalInputs:
    """Returns what a job of one organisation brings to its system."""
    job, datasets = loaded.job, _datasets(loaded)
    if loaded.names_data:
        return LocalInputs(folder=loaded.folder, seed=job.seed, job=job.digest)
    data = loaded.data
    return LocalInputs(
        folder=loaded.folder,
        train=datasets.get(loaded.dataset),
        test=datasets[data.test] if data.test is not None else None,
        test_share=data.test_share,
        normalise=data.normalise,
        seed=job.seed,
        job=job.digest,
        others={name: datasets[name] for name in _others(loaded)},
    )


def ready(plan: LocalPlan) -> Ready:
    """Returns what this machine brings."""
    facts = plan.loaded.system.facts(plan.loaded.spec, plan.data)
    return Ready(facts={name: str(value) for name, value in facts.items()})


def helps(loaded: Loaded) -> bool:
    """Returns whether a launcher started this process to help the one that runs the job."""
    system: object = loaded.system
    return isinstance(system, Shares) and system.helps()


def peak(plan: LocalPlan) -> int:
    """Returns about how many bytes of memory a run takes at most."""
    taken: int = plan.loaded.system.peak(plan.loaded.spec, plan.data)
    return taken


def assist(loaded: Loaded) -> None:
    """Help the process that runs a job, until it needs no more help."""
    loaded.system.assist(loaded.spec, inputs(loaded))


def play(plan: LocalPlan, into: Path | None, watch: Sink) -> Run:
    """Train, and store model and result; then measure, and store the result anew."""
    from isthmus.jobs import session  # it loads cryptography

    loaded = plan.loaded
    with session.begin_alone(plan, into, watch) as opened:
        with opened.telemetry.timed("total"):
            training: LocalTrained = loaded.system.train(
                loaded.spec, plan.data, opened.run, opened.telemetry
            )
        missing = training.outcome.missing | UNMEASURED
        _store_result(opened, replace(training.outcome, missing=missing))

        with opened.telemetry.timed("total"):
            measured = training.measure()
        _store_result(opened, measured)
    return opened.run


def _store_result(opened: "Session[LocalPlan]", outcome: LocalOutcome) -> None:
    fields = msgspec.structs.asdict(outcome)
    result = LocalResult(**opened.facts(), system=opened.plan.loaded.table, **fields)
    opened.run.write_json(opened.run.result.name, result)


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
    if job.data is None:
        raise SpecError(
            f"{run.folder}: a run of [{table}] has no scores for rows: `isthmus embed` makes "
            "vectors of texts, and `isthmus mine` finds texts that belong together."
        )
    if not isinstance(system, Predicts):
        raise SpecError(
            f"{run.folder}: a run of [{table}] does not keep what it takes to score other "
            "rows. Rows with labels are scored by a run whose job names them in `data.test`."
        )
    rows = replace(
        job.tables["datasets"][job.data.train or ""], path=str(file.absolute()), sql=None
    )
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

    found = registry.system_of(job.tables)
    if found is None:
        raise SpecError("the job in the run folder trains nothing. Run it again.")
    row, code = found
    return row.table, code


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
