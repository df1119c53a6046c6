"""Uses the model of a run: scores new rows with it, writes jobs that do, and exports it."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp

from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.jobs import consent, finished, registry
from isthmus.jobs.capabilities import ModelFamilyCode, ScoringFamilyCode
from isthmus.jobs.job import Job
from isthmus.jobs.plan import Loaded
from isthmus.jobs.result import SimulatedResult
from isthmus.outcomes import Exported, Predicted
from isthmus.store import atomic
from isthmus.store.runs import Run, candidates, find

SCORES, CSV = ".parquet", ".csv"
"""The ends of the name of a file with scores."""


def predict(folder: Path, file: Path, out: Path) -> Predicted:
    """Score the rows of a file with the model of a run.

    Args:
        folder: The run folder, or a folder of runs for its latest one.
        file: The rows, in the form of those that the run trained on.
        out: The file for the scores, Parquet or CSV; one that is there is replaced.

    Returns:
        How many rows there are.

    Raises:
        SpecError: The run has no model that scores rows, the rows do not fit it, or the scores
            cannot be written.
    """
    run = find(folder)
    finished.read(run)
    family = _family(run, "predict")
    if out.suffix not in {SCORES, CSV}:
        raise SpecError(
            f"{out}: scores are a Parquet or CSV file: give it a name that ends in {SCORES} or "
            f"{CSV}."
        )
    if out.exists() and file.exists() and out.samefile(file):
        raise SpecError(f"{out}: holds the rows to score. Give another file for the scores.")
    with written(out), atomic.replacing(out) as scores:
        if out.suffix == SCORES:
            return family.predict(run, job_of(run), file, scores)
        from isthmus.data.scores import copy_as_csv  # noqa: PLC0415 - it loads Arrow

        with TemporaryFile() as whole:
            found = family.predict(run, job_of(run), file, whole)
            copy_as_csv(whole, scores)
        return found


@dataclass(frozen=True)
class ScoringJob:
    """A job that scores with the model of a run."""

    job: Job
    run: Run
    passed: Run | None
    """The latest run of the folder, where it is not the one whose model is used."""


def write_scoring_job(
    folder: Path,
    file: Path,
    dataset: str | None = None,
    *,
    online: bool = False,
    cut: float | None = None,
) -> ScoringJob:
    """Write a job with which several parties score rows with the model that they trained.

    Args:
        folder: The run folder, or a folder of runs for the newest in it that left a model.
        file: The new job file.
        dataset: Name of the data set to score; None: the one that was trained on.
        online: Whether rows are scored one by one, as the first party asks for them.
        cut: Score above which the first party learns a decision, in place of all scores.

    Returns:
        The job, and the run.

    Raises:
        SpecError: No run trained such a model, or the file is there already.
    """
    found = candidates(folder)
    chosen = run = next(filter(_left_model, found), found[0])
    if len(found) > 1 and not any(each.result.exists() for each in found):
        raise SpecError(
            f"{folder}: no run in it has finished, so that there is no model; the latest is "
            f"{run.folder.name}. Start its job again with the command that began it: it goes on."
        )
    result = finished.read(run)
    family: object = finished.family_of(run)
    if isinstance(family, ScoringFamilyCode) and isinstance(result, SimulatedResult):
        first = [party for party, role in result.parties.items() if role == family.ROLES[0]]
        run = Run(run.folder / first[0])
    if not isinstance(family, ScoringFamilyCode):
        raise SpecError(
            f"{run.folder}: parties score rows with a model that they trained on aligned columns, "
            "and this run has none. `isthmus predict` scores with the model of one organisation."
        )
    if file.exists():
        raise SpecError(f"{file}: is there already. Give a new name for the job.")
    bare = family.scoring_job(run, job_of(run), dataset, online=online, cut=cut)
    row, code = registry.system_of(bare.tables) or (None, None)
    told = consent.needed(Loaded(bare, file, family, row, code))
    job = bare.replace(disclosed=[kind.__name__ for kind in told])
    with written(file):
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
        job.save(file)
    return ScoringJob(job, chosen, None if chosen is found[0] else found[0])


def _left_model(run: Run) -> bool:
    """Returns whether a run has finished with a model that later jobs score with."""
    try:
        result, family = finished.read(run), finished.family_of(run)
    except SpecError:  # it failed or goes on, or somebody has changed it
        return False
    code: object = family
    return isinstance(code, ScoringFamilyCode) and code.left_model(result)


def export(folder: Path, into: Path, since: int | None = None) -> Exported:
    """Write the model of a run as files that need no isthmus.

    Args:
        folder: The run folder, or a folder of runs for its latest one. A run that still goes on
            gives what it was at its last snapshot.
        into: A new or empty folder; nothing is there unless all of it is.
        since: Number of a snapshot: only what has changed since then.

    Returns:
        What was written.

    Raises:
        SpecError: The run has nothing to export, or the folder is not empty or cannot be written.
    """
    run = find(folder)
    family = _family(run, "export")
    with written(into):
        if into.exists() and any(into.iterdir()):
            raise SpecError(f"{into}: is not empty. Give a new folder.")
        into.absolute().parent.mkdir(parents=True, exist_ok=True)
        new = Path(mkdtemp(dir=into.absolute().parent, prefix=f".{into.name}-"))
        try:
            found = family.export(run, job_of(run), new, since)
            new.replace(into)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return found


def _family(run: Run, verb: str) -> ModelFamilyCode:
    """The code of the family of a run, which may still go on.

    Args:
        run: The run folder.
        verb: What it is asked for.

    Returns:
        The module.

    Raises:
        SpecError: Its runs leave no whole model.
    """
    family: object
    if run.result.exists():
        family = finished.family_of(run)
    else:
        row = registry.row_of(job_of(run).tables)
        family = registry.load_family(row.family if row else registry.DEFAULT_FAMILY)
    if not isinstance(family, ModelFamilyCode):
        raise SpecError(
            f"{run.folder}: `isthmus {verb}` takes a run of one organisation, and this one was of "
            "several parties: its model lies at them. `isthmus init --from RUN score.toml` writes "
            "a job with which they score rows together, if they aligned columns; with `--online` "
            "one by one, for `Run.online` in Python."
        )
    return family


def job_of(run: Run) -> Job:
    """Returns the job of a run, as it was when the run began."""
    return run.read_json(run.job.name, Job)


@contextmanager
def written(path: Path) -> Generator[None]:
    """Say what cannot be written.

    Args:
        path: The file or folder.

    Yields:
        Nothing.

    Raises:
        SpecError: The block cannot write it.
    """
    try:
        with disk_full_is_error(path):
            yield
    except OSError as error:
        raise SpecError(
            f"{path}: cannot be written: {error.strerror}. Give another place."
        ) from None
