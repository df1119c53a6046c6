"""A search over one alignment: the same job on this machine again and again, with other values.

| step                                            | function    |
|-------------------------------------------------|-------------|
| check every choice before anything begins       | `_variants` |
| go on with the search that was stopped, if any  | `_to_resume`|
| align once; every repetition takes it up        | `search`    |
| train each choice, on each fold                 | `_repeat`   |
| one table, and what it all told                 | `_result`   |
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import cast

import msgspec

from isthmus import __version__
from isthmus.core.errors import IsthmusError, SpecError, naming_file
from isthmus.evaluation.description import Learned, PartialMetrics
from isthmus.jobs import registry, report, simulate
from isthmus.jobs.capabilities import SearchedFamilyCode
from isthmus.jobs.grid import Grid, varied
from isthmus.jobs.job import Job
from isthmus.jobs.load import resolve
from isthmus.jobs.plan import Loaded, PartyPlan
from isthmus.jobs.result import Exposed, SearchResult, Told, Trial
from isthmus.jobs.simulate import Watch, unwatched
from isthmus.store import atomic
from isthmus.store.runs import Run

TABLE = "trials.csv"
"""The table of all trials, in the run folder."""

_ALIGNED, _TRIALS = "alignment_", "trials_"
"""Folders in a run folder; no party has a name with `_` in it."""

_START, _SECONDS = "search.json", "seconds.json"
"""What a search began with; and in the folder of what has been played, how long it took."""

_EQUATIONS = "equations"
"""The kind of what is told that a table of trials adds up."""

_LOWER_IS_BETTER = frozenset({"rmse", "mae"})


class Ended(msgspec.Struct, frozen=True):
    """What a search reads of the result of the party with the labels."""

    metrics: PartialMetrics
    rounds: int
    rows: dict[str, int]
    learned: list[Learned]
    exposure: list[Exposed] = []


class _Started(msgspec.Struct, frozen=True):
    """What a search reads of the result of the alignment."""

    started: str


class _Start(msgspec.Struct, frozen=True):
    """What a search began with."""

    grid: Grid
    data: dict[str, str | None]
    """Digest of the data of each party."""


@dataclass(frozen=True)
class _Repetition:
    """One training with one choice of values."""

    loaded: Loaded
    folder: Path
    ended: Ended | None
    seconds: float
    failure: str = ""


def search(
    job_file: Path, grid: Grid, runs: Path, watch: Watch = unwatched, into: Run | None = None
) -> Run:
    """Train a job with every choice of values, on this machine and over one alignment.

    A search that was stopped goes on: what has been trained is not trained again.

    Args:
        job_file: The job; beside it, one folder per party with its `party.toml`.
        grid: The values to try.
        runs: Folder of runs; the search is a folder in it, with one folder per repetition.
        watch: Sees every party's events as they happen.
        into: The folder of the search, where it has been made already.

    Returns:
        The run folder, with the table of all trials.

    Raises:
        SpecError: A file, its data or a value of the grid is wrong; no party was started.
        IsthmusError: The alignment failed, or every training.
    """
    # 1. Check everything here first: the job, the parties, and each choice of values.
    loaded, plans = simulate.planned(job_file)
    if not isinstance(loaded.family, SearchedFamilyCode) or not loaded.trains:
        raise SpecError(
            f"{job_file}: a search repeats training over one alignment, and this job has no "
            "training on aligned rows. Run it with each value by itself."
        )
    variants = _variants(loaded, grid)

    run = into or _to_resume(loaded, plans, grid, runs)
    with run.locked():
        return _search(run, loaded, plans, grid, variants, watch)


def _to_resume(loaded: Loaded, plans: Mapping[str, PartyPlan], grid: Grid, runs: Path) -> Run:
    """The newest search for the same in the same data, if it was stopped; or a new one."""
    start = _Start(grid, {party: plan.data_digest for party, plan in plans.items()})
    for run in Run.of_job(runs, loaded.job.name, loaded.job.digest):
        if not run.result.exists() and _begins_alike(run, start):
            return run
    run = Run.create(runs, loaded.job.name, loaded.job.digest)
    run.write_json(_START, start)
    return run


def _begins_alike(run: Run, start: _Start) -> bool:
    if None in start.data.values():
        return False  # by now there may be other data
    try:
        return run.read_json(_START, _Start) == start
    except SpecError:  # it is no search, or somebody has changed it
        return False


def _search(
    run: Run,
    loaded: Loaded,
    plans: Mapping[str, PartyPlan],
    grid: Grid,
    variants: Sequence[Sequence[Loaded]],
    watch: Watch,
) -> Run:
    # 2. Align once. The repetitions find the alignment in the folders of the parties.
    run.write_json(run.job.name, loaded.job)
    parties = simulate.provide(plans, run.folder)
    seconds = _play("align", loaded.path, parties, _folder(run.folder / _ALIGNED), watch)

    # 3. Train each choice on each fold, one after the other.
    trials = list[list[_Repetition]]()
    for number, choice in enumerate(variants, 1):
        trials.append(
            [
                _repeat(each, parties, run.folder / _TRIALS / f"{number}-{part}", watch)
                for part, each in enumerate(choice, 1)
            ]
        )

    # 4. Put it all into one table.
    repetitions = [each for trial in trials for each in trial]
    if all(each.ended is None for each in repetitions):
        raise SpecError(f"every training of the search failed; the first: {repetitions[0].failure}")
    aligned = Run(run.folder / _ALIGNED / loaded.first)
    started = aligned.read_json(aligned.result.name, _Started).started
    found = _result(loaded, grid, trials, started, seconds)
    atomic.write(run.folder / TABLE, _csv(found).encode())
    run.write_json(run.result.name, cast(SearchedFamilyCode, loaded.family).searched(found))
    report.attempt(run)
    return run


def _variants(loaded: Loaded, grid: Grid) -> list[list[Loaded]]:
    """The job with each choice of values, on each fold."""

    def variant(job: Job) -> Loaded:
        with naming_file(loaded.path):
            return resolve(job, loaded.path)

    others = registry.family(loaded.row.family).searched if loaded.row else ()
    tables = [loaded.table, *(each for each in others if loaded.job.tables[each] is not None)]
    return [
        [variant(varied(loaded.job, tables, choice, part)) for part in grid.parts]
        for choice in grid.choices
    ]


def _repeat(loaded: Loaded, parties: Mapping[str, Path], folder: Path, watch: Watch) -> _Repetition:
    job_file = _folder(folder) / "job.toml"
    loaded.job.anchored(loaded.path.parent.absolute()).save(job_file)
    try:
        seconds = _play("run", job_file, parties, folder, watch)
    except IsthmusError as error:  # the others may fare better
        return _Repetition(loaded, folder, None, 0.0, str(error))
    own = Run(folder / loaded.first)
    return _Repetition(loaded, folder, own.read_json(own.result.name, Ended), seconds)


def _play(
    verb: str, job_file: Path, parties: Mapping[str, Path], folder: Path, watch: Watch
) -> float:
    """Play, unless it has been before the search was stopped; returns the seconds that it took."""
    run = Run(folder)
    if not (folder / _SECONDS).exists():
        run.write_json(_SECONDS, simulate.play(verb, job_file, parties, folder, watch))
    return run.read_json(_SECONDS, float)


def _result(
    loaded: Loaded,
    grid: Grid,
    trials: Sequence[Sequence[_Repetition]],
    started: str,
    seconds: float,
) -> SearchResult:
    found = [_trial(*each) for each in zip(grid.choices, trials, strict=True)]
    measure = next((name for trial in found for name in trial.metrics), "")
    sign = 1 if measure in _LOWER_IS_BETTER else -1
    found.sort(key=lambda trial: sign * trial.metrics.get(measure, math.inf * sign))
    repetitions = [each for trial in trials for each in trial]
    return SearchResult(
        job=loaded.job.name,
        digest=loaded.job.digest,
        version=__version__,
        started=started,
        seconds={"alignment": round(seconds, 3)}
        | {"training": round(sum(each.seconds for each in repetitions), 3)},
        folds=grid.folds,
        measure=measure,
        trials=found,
        told=_told(loaded, repetitions),
        equations=_equations(repetitions),
    )


def _trial(values: dict[str, object], repetitions: Sequence[_Repetition]) -> Trial:
    ended = [each.ended for each in repetitions if each.ended is not None]
    by_measure = defaultdict[str, list[float]](list)
    for each in ended:
        for name, models in each.metrics.items():
            value = models.get("joint")
            if value is not None:
                by_measure[name].append(value)
    return Trial(
        values=values,
        metrics={name: fmean(found) for name, found in by_measure.items()},
        deviations={name: stdev(found) for name, found in by_measure.items() if len(found) > 1},
        rounds=fmean(each.rounds for each in ended) if ended else 0.0,
        seconds=round(sum(each.seconds for each in repetitions), 3),
        runs=[f"{_TRIALS}/{each.folder.name}" for each in repetitions],
        failed=[each.failure for each in repetitions if each.failure],
    )


def _told(loaded: Loaded, repetitions: Sequence[_Repetition]) -> list[Told]:
    """Count the messages that tell something, over all repetitions."""
    counts = defaultdict[tuple[str, str, str], int](int)
    ended = [each.ended for each in repetitions if each.ended is not None]
    for each in ended:
        for row in each.learned:
            if row.message in loaded.job.disclosed:
                counts[row.message, row.direction, row.learns] += row.count
    return [
        Told(message=message, direction=way, learns=learns, count=n, per_run=n / len(ended))
        for (message, way, learns), n in counts.items()
    ]


def _equations(repetitions: Sequence[_Repetition]) -> float | None:
    """Equations about each label add up: every repetition tells other ones."""
    found = [
        told.run
        for each in repetitions
        if each.ended is not None
        for told in each.ended.exposure
        if told.kind == _EQUATIONS
    ]
    return sum(found) if found else None


def _csv(result: SearchResult) -> str:
    measures = list(dict.fromkeys(name for trial in result.trials for name in trial.metrics))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = list(result.trials[0].values)
    spreads = [f"{name}_deviation" for name in measures]
    writer.writerow([*keys, *measures, *spreads, "rounds", "seconds", "failed"])
    for trial in result.trials:
        writer.writerow(
            [
                *trial.values.values(),
                *(trial.metrics.get(name, "") for name in measures),
                *(trial.deviations.get(name, "") for name in measures),
                trial.rounds,
                trial.seconds,
                len(trial.failed),
            ]
        )
    return text.getvalue()


def _folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
