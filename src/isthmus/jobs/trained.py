"""Uses the model of a finished run: scores new rows with it, and exports it."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.jobs import finished
from isthmus.jobs.plan import ModelFamilyCode
from isthmus.store import atomic
from isthmus.store.runs import Run, find
from isthmus.system import Exported, Predicted

SCORES = ".parquet"
"""The end of the name of a file with scores."""


def predict(folder: Path, file: Path, out: Path) -> Predicted:
    """Score the rows of a file with the model of a run.

    Args:
        folder: The run folder, or a folder of runs for its latest one.
        file: The rows, in the form of those that the run trained on.
        out: The Parquet file for the scores; one that is there is replaced.

    Returns:
        How many rows there are.

    Raises:
        SpecError: The run has no model that scores rows, the rows do not fit it, or the scores
            cannot be written.
    """
    run = find(folder)
    family = _family(run, "predict")
    if out.suffix != SCORES:
        raise SpecError(f"{out}: scores are a Parquet file: give it a name that ends in {SCORES}.")
    if out.exists() and file.exists() and out.samefile(file):
        raise SpecError(f"{out}: holds the rows to score. Give another file for the scores.")
    with _written(out), atomic.replacing(out) as scores:
        return family.predict(run, finished.read(run), file, scores)


def export(folder: Path, into: Path, since: int | None = None) -> Exported:
    """Write the model of a run as files that need no isthmus.

    Args:
        folder: The run folder, or a folder of runs for its latest one.
        into: A new or empty folder; nothing is there unless all of it is.
        since: Number of a snapshot: only what has changed since then.

    Returns:
        What was written.

    Raises:
        SpecError: The run has nothing to export, or the folder is not empty or cannot be written.
    """
    run = find(folder)
    family = _family(run, "export")
    with _written(into):
        if into.exists() and any(into.iterdir()):
            raise SpecError(f"{into}: is not empty. Give a new folder.")
        into.absolute().parent.mkdir(parents=True, exist_ok=True)
        new = Path(mkdtemp(dir=into.absolute().parent, prefix=f".{into.name}-"))
        try:
            found = family.export(run, finished.read(run), new, since)
            new.replace(into)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return found


def _family(run: Run, verb: str) -> ModelFamilyCode:
    family = finished.family_of(run)
    if not isinstance(family, ModelFamilyCode):
        raise SpecError(
            f"{run.folder}: `isthmus {verb}` takes a run of one organisation, and this one was of "
            "several parties: its model lies at them."
        )
    return family


@contextmanager
def _written(path: Path) -> Generator[None]:
    try:
        with disk_full_is_error(path):
            yield
    except OSError as error:
        raise SpecError(
            f"{path}: cannot be written: {error.strerror}. Give another place."
        ) from None
